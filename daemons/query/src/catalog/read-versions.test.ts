import type { SourceVersion } from '@tessera/cube';
import type { OpenSource } from '@tessera/daemon';
import { expect, test } from 'vitest';
import { outdatedSources } from './read-versions.ts';
import { unreadable } from './staleness.ts';

const known = (token: string): SourceVersion => ({ known: true, token });

/** One source with a table whose columns were read at a version. */
function sourceOf(version: SourceVersion | undefined): ReadonlyMap<string, OpenSource> {
  const tables = [{ name: 't', columns: [], statistics: {}, ...(version && { version }) }];
  return new Map([['s', { description: { name: 's' }, tables } as unknown as OpenSource]]);
}

const versions = (version: SourceVersion | undefined) =>
  new Map(version === undefined ? [] : [['s.t', version]]);

test.each([
  { read: known('1'), before: known('1'), now: known('1'), outdated: false },
  { read: known('1'), before: known('1'), now: known('2'), outdated: true },
  { read: known('1'), before: undefined, now: known('2'), outdated: true },
  { read: known('1'), before: known('2'), now: known('2'), outdated: true },
  { read: known('2'), before: known('1'), now: known('2'), outdated: false },
  { read: undefined, before: undefined, now: known('1'), outdated: false },
  { read: undefined, before: known('1'), now: known('2'), outdated: true },
  { read: known('1'), before: known('1'), now: unreadable, outdated: true },
  { read: known('1'), before: unreadable, now: unreadable, outdated: false },
  { read: known('1'), before: known('1'), now: undefined, outdated: false },
])('columns of $read.token, data asked $before.token and now $now.token', (given) => {
  const { read, before, now, outdated } = given;
  const found = outdatedSources(sourceOf(read), versions(before), versions(now));
  expect(found).toEqual(outdated ? ['s'] : []);
});

test('a source whose name begins like another one is not taken for it', () => {
  const tables = [{ name: 't', columns: [], statistics: {}, version: known('1') }];
  const open = (name: string) => ({ description: { name }, tables }) as unknown as OpenSource;
  const sources = new Map(['s', 's2'].map((name) => [name, open(name)]));
  expect(outdatedSources(sources, new Map(), new Map([['s2.t', known('2')]]))).toEqual(['s2']);
});
