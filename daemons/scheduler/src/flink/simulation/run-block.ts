/** `node run-block.ts SEED...`: runs the schedules of those seeds; prints how many terms they had in all, and what was broken. */
import { runSchedule } from './schedule.ts';

let terms = 0;
for (const seed of process.argv.slice(2)) {
  try {
    terms += (await runSchedule(Number(seed))).terms;
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
console.log(terms);
process.exit(); // Lives that have ended may still wait for a clock.
