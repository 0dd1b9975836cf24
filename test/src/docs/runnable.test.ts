import { describe, expect, test } from 'vitest';
import { missingOutput, stepsOf } from './runnable.ts';

describe('the output that a page promises', () => {
  test.each([
    { promised: 'a\nb', printed: 'a\nb\n', missing: undefined, why: 'all of it came' },
    { promised: 'b\na', printed: 'a\nb\n', missing: 'a', why: 'the order is wrong' },
    { promised: 'a\nc', printed: 'a\nb\nc\n', missing: 'c', why: 'a line stands between' },
    {
      promised: 'a\n…\nc',
      printed: 'a\nb\nc\n',
      missing: undefined,
      why: 'lines may stand between',
    },
    { promised: 'a  1', printed: 'a    2', missing: 'a  1', why: 'a number is another' },
    { promised: 'in 1.2 s', printed: 'in 9.5 ms', missing: undefined, why: 'times differ' },
    {
      promised: '2  2026-11-29 05:18:02  sql',
      printed: '2  2027-01-02 23:59:59  sql',
      missing: undefined,
      why: 'moments differ',
    },
    { promised: '5 kB', printed: '17.25 MB', missing: undefined, why: 'sizes differ' },
    {
      promised: '-----\na',
      printed: '[##..] 3%\n---\na',
      missing: undefined,
      why: 'rulers differ',
    },
  ])('$why', ({ promised, printed, missing }) => {
    expect(missingOutput(promised, printed)).toBe(missing);
  });
});

test('a page is files, commands and what they print', () => {
  const page = [
    '```yaml file=a.yaml\nkind: Cube\n```',
    '```sh run up\ntessera up\n```',
    '```sh run background\ndaemon\n```',
    '```sh\nonly read\n```',
    '```sh run needs=go\ngo\n```',
    '```text output\n1\n```',
  ].join('\n');
  expect(stepsOf(page)).toEqual([
    { kind: 'file', name: 'a.yaml', text: 'kind: Cube\n', line: 1 },
    expect.objectContaining({ kind: 'run', isPlatform: true, output: undefined, line: 4 }),
    expect.objectContaining({ kind: 'run', isPlatform: false, isBackground: true, line: 7 }),
    expect.objectContaining({ kind: 'run', needs: 'go', output: '1\n', line: 13 }),
  ]);
});
