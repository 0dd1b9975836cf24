import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** As many schedules as one process runs: its memory grows with each. */
const block = 100;

export interface Schedules {
  /** Runs the schedule of a seed, and says how many terms it had. @throws what was broken */
  readonly run: (seed: number) => Promise<{ readonly terms: number }>;
  /** A program that runs those of the seeds in its arguments and prints their terms in all. */
  readonly entry: string;
}

/** Runs schedules here, or, when there are many, in processes of their own; what was broken is in the error's message. Says how many terms they had in all. */
export async function runInBlocks(
  seeds: readonly number[],
  { run, entry }: Schedules,
): Promise<number> {
  let terms = 0;
  if (seeds.length <= block) {
    for (const seed of seeds) terms += (await run(seed)).terms;
    return terms;
  }
  for (let i = 0; i < seeds.length; i += block) {
    terms += await runElsewhere(seeds.slice(i, i + block), entry);
  }
  return terms;
}

async function runElsewhere(seeds: readonly number[], entry: string): Promise<number> {
  const flags = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];
  const args = [...flags, entry, ...seeds.map(String)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}
