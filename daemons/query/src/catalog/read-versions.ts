import type { SourceVersion } from '@tessera/cube';
import type { OpenSource } from '@tessera/daemon';
import { tableKey } from './snapshot.ts';
import { unreadable, type Versions } from './staleness.ts';

type Sources = ReadonlyMap<string, OpenSource>;

/** The versions of the data that the columns of the tables were read from, as far as connectors told them. */
export function readVersions(sources: Sources): Versions {
  const versions = new Map<string, SourceVersion>();
  for (const { description, tables } of sources.values()) {
    for (const { name, version } of tables) {
      if (version === undefined) continue;
      versions.set(tableKey({ source: description.name, table: name }), version);
    }
  }
  return versions;
}

/**
 * Names of the sources whose columns may be others than the data's: some table has another version now than its
 * columns were read at. Where a connector does not tell the latter, and for data that cannot be reached, what counts is that the
 * version is another one than when it was asked `before`.
 */
export function outdatedSources(sources: Sources, before: Versions, now: Versions): string[] {
  const read = readVersions(sources);
  const outdated = [...now]
    .filter(([key, { token }]) => {
      const known =
        token === unreadable.token ? before.get(key) : (read.get(key) ?? before.get(key));
      return known !== undefined && known.token !== token;
    })
    .map(([key]) => key);
  return [...sources.keys()].filter((name) =>
    outdated.some((key) => key.startsWith(tableKey({ source: name, table: '' }))),
  );
}
