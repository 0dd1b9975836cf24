import { systemClock } from '@tessera/base';
import type { FlinkRestClient } from '@tessera/flink-rest';
import type { FlinkStage } from '@tessera/testkit/flink-stage';
import { JobWatcher, restOf } from '../flink/job-watcher.ts';
import { slotsOfTaskManager } from '../flink/load-job.ts';
import type { JobSample, Sample } from './sample.ts';

const intervalMs = 500;
const lookMs = 2_000;

/** What is done once, at its second. */
export interface TimedEvent {
  readonly seconds: number;
  happen(): Promise<void>;
}

/** Looks at the job and at the hosts twice a second until the load ends, and does what is due, in order. A look that fails is one that tells nothing. */
export async function watchRun(
  stage: FlinkStage,
  { startMs, seconds: end }: { readonly startMs: number; readonly seconds: number },
  events: readonly TimedEvent[] = [],
): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const eyes = new Eyes();
  const due = [...events];
  await systemClock.sleep(Math.max(0, startMs - Date.now()));
  for (;;) {
    const begunMs = Date.now();
    const seconds = (begunMs - startMs) / 1_000;
    if (seconds > end) return samples;
    while (due[0] !== undefined && seconds >= due[0].seconds) await due.shift()!.happen();
    samples.push(await eyes.look(stage, seconds));
    await systemClock.sleep(Math.max(0, begunMs + intervalMs - Date.now()));
  }
}

/** Remembers what need not be asked again while one JobManager lives. */
class Eyes {
  #at: string | undefined;
  #rest: FlinkRestClient | undefined;
  #watcher: JobWatcher | undefined;

  async look(stage: FlinkStage, seconds: number): Promise<Sample> {
    const running = (await stage.processes()).filter(({ isRunning }) => isRunning);
    const workers = running.filter(({ role }) => role === 'taskmanager');
    const providedSlots = workers.length * slotsOfTaskManager;
    const master = running.find(({ role }) => role === 'jobmanager');
    if (master === undefined) return { seconds, providedSlots };
    if (this.#at !== `${master.pid}`) {
      this.#at = `${master.pid}`;
      this.#rest = await restOf(stage);
      this.#watcher = this.#rest && new JobWatcher(this.#rest);
    }
    const [job, registeredSlots] = await Promise.all([
      this.#job().catch(() => undefined),
      this.#registeredSlots().catch(() => undefined),
    ]);
    return {
      ...{ seconds, providedSlots },
      ...(registeredSlots !== undefined && { registeredSlots }),
      ...(job !== undefined && { job }),
    };
  }

  async #registeredSlots(): Promise<number | undefined> {
    const known = await this.#rest?.taskManagers(AbortSignal.timeout(lookMs));
    return known?.reduce((sum, { slots }) => sum + slots, 0);
  }

  async #job(): Promise<JobSample | undefined> {
    const signal = AbortSignal.timeout(lookMs);
    const view = await this.#watcher?.look(signal);
    if (view === undefined) return undefined;
    const { jobId, workers, slots, isRunning, backlog } = view;
    const bounds = await this.#rest!.resourceRequirements(jobId, signal).catch(() => undefined);
    const widest = Math.max(0, ...[...(bounds?.values() ?? [])].map((one) => one.upperBound));
    return {
      ...{ workers, slots, isRunning },
      ...(widest > 0 && { wanted: widest }),
      ...(backlog !== undefined && { backlog }),
    };
  }
}
