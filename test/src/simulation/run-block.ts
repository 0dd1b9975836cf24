/** `node run-block.ts SEED...`: runs the schedules of those seeds and prints how many terms they had in all. */
import { loadParser } from '@tessera/sql';
import { runSchedule } from './schedule.ts';

await loadParser();
let terms = 0;
for (const seed of process.argv.slice(2)) terms += (await runSchedule(Number(seed))).terms;
console.log(terms);
