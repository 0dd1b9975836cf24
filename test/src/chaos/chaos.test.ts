import { TestCluster } from '@tessera/testkit/cluster';
import { expect, test } from 'vitest';
import { runChaos } from './chaos-run.ts';
import { faultCount, shortcomings } from './outcome.ts';

/** The short run; `npm run test:chaos` is the long one. Names the cases that have to be there, not the times. */
const seed = Number(process.env['TESSERA_SEED'] ?? 20261128);
const faults = 30;
const unusable = TestCluster.unusable();

test.skipIf(unusable !== undefined)(
  `a cluster of three hosts answers rightly or not at all, and loses nothing, through ${faults} faults (seed ${seed})`,
  { timeout: 900_000 },
  async () => {
    const print = (line: string) => console.info(line);
    const outcome = await runChaos({ seed, faults, print });
    expect(outcome.wrong).toEqual([]);
    expect(outcome.lost).toEqual([]);
    expect(shortcomings(outcome)).toEqual([]);
    expect(faultCount(outcome)).toBeGreaterThanOrEqual(faults);
  },
);
