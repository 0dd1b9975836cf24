import { decodeRecord, encodeRecord } from '@tessera/daemon';
import {
  type SimulatedJob,
  simulate,
  simulatedJobs,
  simulatedTraces,
  simulationSuite,
} from '@tessera/flink-simulator';
import { replay } from '@tessera/scaling';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Strategies } from './load-strategy.ts';

const plans = [
  { at: '01:00', parallelism: 8 },
  { at: '03:00', parallelism: 3 },
];
const limits = {
  bounds: { maxSlots: 30 },
  cooldown: { beforeUpMs: 120_000, beforeDownMs: 600_000 },
  windows: [
    { name: 'w', rule: 'noScaleDown', timeZone: 'Europe/Paris', from: '02:00', to: '04:00' },
  ] as const,
  rollback: {
    enabled: true,
    stabilizationMs: 120_000,
    windowMs: 180_000,
    tolerance: 0.1,
    avoidMs: 3_600_000,
  },
};
const { steps, diurnalSpikes, twoRates, backlog } = simulatedTraces;

/** Making each one again would take a minute for those that learn much. */
const replayedOfAll = 7;

describe('decisions on any simulated trace', () => {
  test.each([
    { name: 'forecast', config: {} },
    {
      name: 'flink-autoscaler',
      config: { stabilizationIntervalMs: 60_000, metricsWindowMs: 300_000 },
    },
    { name: 'ds2', config: {} },
    { name: 'threshold', config: {} },
    { name: 'schedule', config: { plans } },
  ])(
    'of $name are replayed from the wire, bit for bit',
    async ({ name, config }) => {
      await using strategies = new Strategies();
      const { strategy, ...use } = await strategies.load(name, config);
      const again = (await strategies.load(name, JSON.parse(use.options))).strategy;
      const run = fc.record({
        seed: fc.integer({ min: 1, max: 1_000 }),
        trace: fc.constantFrom(steps, diurnalSpikes, twoRates, backlog),
        job: fc.constantFrom(...Object.values<SimulatedJob>(simulatedJobs)),
      });
      fc.assert(
        fc.property(run, ({ seed, trace, job }) => {
          let decisions = 0;
          const scenario = simulationSuite.scenarioOf({ trace, job }, seed, 0.1);
          simulate(scenario, strategy, {
            limits,
            recording: {
              strategy: use,
              record: (record) => {
                if (decisions++ % replayedOfAll !== 0) return;
                const read = decodeRecord(encodeRecord(record));
                expect(replay(read, again)).toMatchObject({ identical: true, differences: [] });
              },
            },
          });
          expect(decisions).toBeGreaterThan(100);
        }),
        { seed: 31, numRuns: 2 },
      );
    },
    240_000,
  );
});
