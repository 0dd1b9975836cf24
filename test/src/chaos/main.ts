import { parseArgs } from 'node:util';
import { TestCluster } from '@tessera/testkit/cluster';
import { runChaos } from './chaos-run.ts';
import { mutantNamed, mutation } from './mutants/mutants.ts';
import { faultCount, shortcomings } from './outcome.ts';

/**
 * `npm run test:chaos -- [--seed N] [--faults N] [--minutes N] [--logs FOLDER] [--mutant NAME]`: the same seed makes the same faults.
 * With minutes there are as many of them as come to their turn by then. With a mutant the daemons run with a mistake that the
 * run has to find.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '20261128' },
    faults: { type: 'string', default: '500' },
    minutes: { type: 'string' },
    logs: { type: 'string' },
    mutant: { type: 'string' },
  },
});

const why = TestCluster.unusable();
if (why !== undefined) {
  console.error(`There can be no cluster here: ${why}.`);
  process.exit(2);
}
const { seed, faults, minutes, logs, mutant } = values;
console.log(`seed ${seed}${mutant === undefined ? '' : ` with the mutant ${mutant}`}`);
const outcome = await runChaos({
  seed: Number(seed),
  faults: Number(faults),
  ...(minutes === undefined ? {} : { limitMs: Number(minutes) * 60_000 }),
  ...(logs === undefined ? {} : { logFolder: logs }),
  print: (line) => console.log(line),
  environment: mutant === undefined ? {} : mutation(mutantNamed(mutant)),
});
const { wrong, lost } = outcome;
const short = shortcomings(outcome);
for (const each of wrong) console.log(`WRONG: ${each}`);
for (const each of lost) console.log(`LOST: ${each}`);
for (const each of short) console.log(`TOO LITTLE: ${each}`);
console.log(`${faultCount(outcome)} faults: ${wrong.length} wrong, ${lost.length} lost`);
process.exitCode = wrong.length + lost.length + short.length > 0 ? 1 : 0;
