import { cubeSpecFromProto } from '@tessera/client';
import type { metadata } from '@tessera/proto';
import { microsOf } from './maintenance-due.ts';

type Versioned = Pick<metadata.Dictionary, 'name' | 'model' | 'key' | 'version' | 'updateTime'>;

export interface DictionaryUse {
  /** Models (by resource name) of which some cube has segments, whatever their state. */
  readonly models: ReadonlySet<string>;
  /** What was written after this may be of a build that has just ended. Microseconds since 1970. */
  readonly before: bigint;
}

/**
 * Versions of dictionaries that nobody will read: a build goes on from the newest one, so older ones are of no use, and
 * when no segment of its model is left, whose bitmaps hold its ids, neither is the newest.
 */
export function unusedDictionaries<D extends Versioned>(
  dictionaries: readonly D[],
  { models, before }: DictionaryUse,
): D[] {
  const newest = new Map<string, bigint>();
  const lineOf = ({ name, key }: D) => `${name.slice(0, name.lastIndexOf('/'))}/${key}`;
  for (const dictionary of dictionaries) {
    const line = lineOf(dictionary);
    const known = newest.get(line) ?? 0n;
    if (dictionary.version > known) newest.set(line, dictionary.version);
  }
  return dictionaries.filter((dictionary) => {
    const isNewest = newest.get(lineOf(dictionary)) === dictionary.version;
    const used = isNewest && models.has(dictionary.model);
    return !used && microsOf(dictionary.updateTime) <= before;
  });
}

/** Names of the models whose cubes have any of these segments. */
export function modelsOfSegments(
  cubes: readonly metadata.Cube[],
  segments: readonly Pick<metadata.Segment, 'name'>[],
): ReadonlySet<string> {
  const built = new Set(segments.map(({ name }) => name.slice(0, name.indexOf('/segments/'))));
  return new Set(
    cubes
      .filter(({ name }) => built.has(name))
      .map(({ name, spec }) => {
        const project = name.slice(0, name.indexOf('/cubes/'));
        return `${project}/models/${cubeSpecFromProto(spec).model}`;
      }),
  );
}
