import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { decodeLog, encodeLog } from '@tessera/daemon';
import {
  simulate,
  simulatedJobs,
  simulatedTraces,
  simulationSuite,
} from '@tessera/flink-simulator';
import { type DecisionRecord, isEventful, replay } from '@tessera/scaling';
import { describe, expect, test } from 'vitest';
import { Strategies } from './load-strategy.ts';

/**
 * Decisions that were written down by earlier versions of these strategies. One that decides otherwise now than then is seen here:
 * where that is meant, `TESSERA_RECORD=1 npx vitest run daemons/standalone/src/scale/recorded.test.ts` writes them anew.
 */
const isRecording = process.env['TESSERA_RECORD'] === '1';
const mostRecords = 12;

const recorded = [
  { name: 'forecast', config: {} },
  {
    name: 'flink-autoscaler',
    config: { stabilizationIntervalMs: 60_000, metricsWindowMs: 300_000 },
  },
  { name: 'ds2', config: {} },
  { name: 'threshold', config: {} },
  {
    name: 'schedule',
    config: {
      plans: [
        { at: '01:00', parallelism: 8 },
        { at: '03:00', parallelism: 3 },
      ],
    },
  },
];

/** Changes, and what lies between them, of the first hours of a job whose load goes up and down. */
async function record(name: string, config: object): Promise<readonly DecisionRecord[]> {
  const records: DecisionRecord[] = [];
  await using strategies = new Strategies();
  const { strategy, ...use } = await strategies.load(name, config);
  const kind = { trace: simulatedTraces.steps, job: simulatedJobs.pipeline };
  simulate(simulationSuite.scenarioOf(kind, simulationSuite.trainingSeeds[3]!, 0.2), strategy, {
    recording: { strategy: use, record: (each) => records.push(each) },
  });
  const every = Math.ceil(records.length / (mostRecords / 2));
  const changes = records.filter(isEventful).slice(0, mostRecords / 2);
  return records.filter((each, i) => i % every === 0 || changes.includes(each));
}

describe('recorded decisions', { timeout: 120_000 }, () => {
  test.each(recorded)('of $name come out the same, bit for bit', async ({ name, config }) => {
    const file = join(import.meta.dirname, 'recorded', `${name}.bin.gz`);
    if (isRecording) writeFileSync(file, gzipSync(encodeLog(await record(name, config))));
    const records = decodeLog(gunzipSync(readFileSync(file)));
    expect(records.length).toBeGreaterThanOrEqual(mostRecords / 2);
    expect(records.filter(({ result }) => result.action.kind === 'rescale')).not.toEqual([]);
    await using strategies = new Strategies();
    for (const each of records) {
      const { strategy } = await strategies.load(name, JSON.parse(each.strategy.options));
      expect(replay(each, strategy)).toEqual({
        identical: true,
        differences: [],
        strategyAsked: true,
      });
    }
  });
});
