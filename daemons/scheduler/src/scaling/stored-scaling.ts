import { isTesseraError } from '@tessera/base';
import { memoryFromProto, memoryToProto, sampleFromProto, sampleToProto } from '@tessera/daemon';
import { flink } from '@tessera/proto';
import {
  type DecisionHistory,
  type MetricHistory,
  metricHistoryBounds,
  nothingRemembered,
  withSamples,
} from '@tessera/scaling';
import type { SchedulerClients } from '../clients.ts';
import { type JobScaling, newScaling } from './job-scaling.ts';
import { type Attempt, noAttempt } from './track-attempt.ts';

/** Between what a term knows of a job's scaling and what metadata keeps of it. */

type Clients = Pick<SchedulerClients, 'flinkScalings'>;

/** One value in metadata has room for it, with what was learned. */
const bounds = { metricsBytes: 400_000, learnedCharacters: 800_000 } as const;

export async function readScaling(clients: Clients, job: string): Promise<JobScaling> {
  const [stored, kept] = await Promise.all([readStored(clients, job), keptDecisions(clients, job)]);
  if (stored === undefined) return { ...newScaling, kept };
  const { strategy, learned, memory, metrics, rescales, running, decidedMs } = stored;
  return {
    ...newScaling,
    kept,
    strategy,
    ...(learned !== undefined && { learned }),
    memory: memory === undefined ? nothingRemembered : memoryFromProto(memory),
    history: { samples: (metrics?.samples ?? []).map(sampleFromProto) },
    attempt: { ...noAttempt, rescales, ...(running !== undefined && { earlier: running }) },
    decidedMs,
  };
}

export async function writeScaling(
  clients: Clients,
  job: string,
  scaling: JobScaling,
): Promise<void> {
  const { strategy, learned, memory, history, attempt, decidedMs } = scaling;
  const fits = learned !== undefined && learned.length <= bounds.learnedCharacters;
  const flinkJobScaling = flink.FlinkJobScaling.fromPartial({
    name: `flink-job-scalings/${job}`,
    strategy,
    ...(fits && { learned }),
    memory: memoryToProto(memory),
    metrics: storedMetrics(history),
    rescales: [...attempt.rescales],
    running: runningToProto(attempt),
    decidedMs,
  });
  await clients.flinkScalings.updateFlinkJobScaling({ flinkJobScaling });
}

function runningToProto({ running, earlier }: Attempt): flink.RunningAttempt | undefined {
  const last = running ?? earlier;
  return last && { ...last, parallelism: { ...last.parallelism } };
}

async function readStored(
  { flinkScalings }: Clients,
  job: string,
): Promise<flink.FlinkJobScaling | undefined> {
  try {
    return await flinkScalings.getFlinkJobScaling({ name: `flink-job-scalings/${job}` });
  } catch (error) {
    if (isTesseraError(error, 'FLINK_JOB_SCALING_NOT_FOUND')) return undefined;
    throw error;
  }
}

async function keptDecisions(
  { flinkScalings }: Clients,
  job: string,
): Promise<DecisionHistory<string>> {
  const kept: DecisionHistory<string>[] = [];
  let pageToken = '';
  do {
    const request = { parent: `flink-jobs/${job}`, summaries: true, pageToken };
    const page = await flinkScalings.listScalingDecisions(request);
    kept.push(
      page.scalingDecisions.map(({ name, eventful, sizeBytes }) => {
        const id = name.slice(name.lastIndexOf('/') + 1);
        return {
          timeMs: Number.parseInt(id, 10),
          eventful,
          sizeBytes: Number(sizeBytes),
          stored: id,
        };
      }),
    );
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return kept.flat();
}

/** One sample of each minute, the newest as far as there is room. */
function storedMetrics(history: MetricHistory): flink.MetricHistory {
  const thin = withSamples(history, [], { ...metricHistoryBounds, denseMs: 0 });
  let samples = thin.samples.map(sampleToProto);
  for (;;) {
    const metrics = flink.MetricHistory.fromPartial({ samples });
    const { length } = flink.MetricHistory.encode(metrics).finish();
    if (length <= bounds.metricsBytes || samples.length === 0) return metrics;
    samples = samples.slice(Math.ceil(samples.length / 2));
  }
}
