import { parseArgs } from 'node:util';
import { TestCluster } from '@tessera/testkit/cluster';
import { runChaos } from './chaos-run.ts';

/** `npm run test:chaos -- [--seed N] [--faults N]`: the same seed makes the same faults. */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '20261128' },
    faults: { type: 'string', default: '500' },
  },
});

const why = TestCluster.unusable();
if (why !== undefined) {
  console.error(`There can be no cluster here: ${why}.`);
  process.exit(2);
}
console.log(`seed ${values.seed}`);
const { faults, wrong, lost } = await runChaos({
  seed: Number(values.seed),
  faults: Number(values.faults),
  print: (line) => console.log(line),
});
for (const each of wrong) console.log(`WRONG: ${each}`);
for (const each of lost) console.log(`LOST: ${each}`);
console.log(`${faults} faults: ${wrong.length} wrong, ${lost.length} lost`);
process.exitCode = wrong.length + lost.length > 0 ? 1 : 0;
