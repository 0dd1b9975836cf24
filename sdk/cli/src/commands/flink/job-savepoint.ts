import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { flink } from '@tessera/proto';
import type { Command } from 'commander';
import type { CommandContext } from '../../context.ts';
import { jobName } from '../../flink/job-name.ts';
import { jobOutcome } from '../../flink/outcome.ts';
import { jobStanding, standingText, type WatchedJob, watchedJob } from '../../flink-view.ts';
import { LiveBlock } from '../../live-block.ts';
import type { Runner } from '../../runner.ts';
import { Since } from '../../since.ts';
import {
  needsHelp,
  noLongerFollowed,
  notRunning,
  savepointFailed,
  savepointSuperseded,
} from './errors.ts';
import { checkLed, lookMs, patienceOf, patiently } from './follow.ts';

const { FLINK_JOB_PHASE_STOPPED, FLINK_JOB_PHASE_FINISHED } = flink.FlinkJobPhase;
const { FLINK_SAVEPOINT_STATE_COMPLETED, FLINK_SAVEPOINT_STATE_FAILED } = flink.FlinkSavepointState;

interface SavepointOptions {
  readonly wait: boolean;
  readonly patience: string;
}

interface RequestedSavepoint {
  readonly savepointRequest: string;
  readonly patienceMs: number;
}

/** flink job savepoint: one savepoint of a job that goes on. */
export function savepointCommand(job: Command, run: Runner): void {
  job
    .command('savepoint')
    .description('make a savepoint of a job that goes on, and tell where it is')
    .argument('<job>')
    .option('--no-wait', 'only ask for it; do not wait for it')
    .option(
      '--patience <seconds>',
      'how long no scheduler may lead that would make it, before the exit code is 4',
      '30',
    )
    .addHelpText(
      'after',
      "\nIt stays until somebody deletes it; 'tessera flink job status' lists the last ones. Another job begins with it by its 'initialSavepoint'.\n\nExample:\n  tessera flink job savepoint sums\n",
    )
    .action(
      run(async (context, id: string, options: SavepointOptions) => {
        const patienceMs = patienceOf(options);
        refuseUnlessRunning(await watchedJob(context.client, id));
        const savepointRequest = randomUUID();
        const flinkJob = { name: jobName(id), savepointRequest };
        const updateMask = ['savepoint_request'];
        await context.client.flinkJobs.updateFlinkJob({ flinkJob, updateMask });
        if (!options.wait) {
          context.say(`asked for savepoint ${savepointRequest} of job ${id}`, { savepointRequest });
          return;
        }
        const savepoint = await untilMade(context, id, { savepointRequest, patienceMs });
        if (savepoint.state === FLINK_SAVEPOINT_STATE_FAILED) {
          throw savepointFailed(id, savepoint.failure);
        }
        context.say(savepoint.path, savepoint);
      }),
    );
}

/** @throws FLINK_JOB_NOT_RUNNING, FLINK_NEEDS_HELP, SAVEPOINT_SUPERSEDED, NO_SCHEDULER, FOLLOWING_INTERRUPTED */
async function untilMade(
  context: CommandContext,
  id: string,
  { savepointRequest: request, patienceMs }: RequestedSavepoint,
): Promise<flink.FlinkSavepoint> {
  const block = new LiveBlock(context.terminal);
  const standing = new Since();
  try {
    for (;;) {
      const watched = await patiently(context, () => watchedJob(context.client, id));
      const found = watched.status?.savepoints.find((one) => one.request === request);
      const states = [FLINK_SAVEPOINT_STATE_COMPLETED, FLINK_SAVEPOINT_STATE_FAILED] as const;
      if (found !== undefined && states.some((state) => state === found.state)) return found;
      refuseUnlessRunning(watched);
      if (found === undefined && hasBegunAnother(watched, request)) throw savepointSuperseded(id);
      const { hindrance } = jobOutcome(watched);
      if (hindrance?.isLasting && found === undefined && hindrance.reason !== 'ROLLED_BACK') {
        throw needsHelp('job', id, hindrance);
      }
      const word = standingText(jobStanding(watched));
      if (!context.options.json) block.show([`savepoint of job ${id}: ${word}`]);
      await checkLed(context, standing, patienceMs);
      await sleep(lookMs, undefined, { signal: context.signal });
    }
  } catch (error) {
    throw context.signal.aborted ? noLongerFollowed() : error;
  } finally {
    block.clear();
  }
}

/** One word is asked for at a time: what was asked for before another one that is begun is begun no more. */
function hasBegunAnother({ wanted, status }: WatchedJob, request: string): boolean {
  const newest = wanted?.savepointRequest;
  return newest !== request && (status?.savepoints ?? []).some((one) => one.request === newest);
}

/** A job that has stopped has its state already, or has none any more. */
function refuseUnlessRunning(watched: WatchedJob): void {
  const { name, wanted, status } = watched;
  const hasStopped =
    status?.phase === FLINK_JOB_PHASE_FINISHED ||
    (status?.phase === FLINK_JOB_PHASE_STOPPED && wanted?.spec?.suspended === true);
  if (wanted === undefined || hasStopped) {
    throw notRunning(name, jobStanding(watched).word, status?.restore?.path);
  }
}
