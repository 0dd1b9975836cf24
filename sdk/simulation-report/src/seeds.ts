import { simulationSuite as judged } from '@tessera/flink-simulator';

export interface SeedsInWords {
  readonly kind: judged.SeedKind;
  readonly words: string;
}

const meanings: Readonly<Record<judged.SeedKind, string>> = {
  test: 'nothing was tuned on them, so strategies are judged by these figures',
  training: 'strategies were tuned on them, so these figures judge none',
  other: 'neither for training nor for tests',
};

/** Which seeds figures are of, those of one kind together, and what that makes of the figures. */
export function seedsInWords(seeds: readonly number[]): readonly SeedsInWords[] {
  const kinds: readonly judged.SeedKind[] = ['test', 'training', 'other'];
  return kinds.flatMap((kind) => {
    const those = seeds.filter((seed) => judged.kindOfSeed(seed) === kind);
    if (those.length === 0) return [];
    const noun = those.length === 1 ? 'seed' : 'seeds';
    const name =
      kind === 'other' ? `Other ${noun}` : `${kind === 'test' ? 'Test' : 'Training'} ${noun}`;
    return [{ kind, words: `${name} ${ranges(those)}: ${meanings[kind]}.` }];
  });
}

export function inWords(seed: number): string {
  const kind = judged.kindOfSeed(seed);
  return kind === 'other' ? `seed ${seed}` : `${kind} seed ${seed}`;
}

/** 1, 2, 3, 7 as 1–3, 7. */
function ranges(seeds: readonly number[]): string {
  const sorted = [...seeds].sort((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const seed of sorted) {
    const last = runs.at(-1);
    if (last !== undefined && seed === last[1] + 1) last[1] = seed;
    else runs.push([seed, seed]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
}
