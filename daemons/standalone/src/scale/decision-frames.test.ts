import { decodeRecord, encodeRecord } from '@tessera/daemon';
import {
  simulate,
  simulatedJobs,
  simulatedTraces,
  simulationSuite,
} from '@tessera/flink-simulator';
import type { DecisionRecord } from '@tessera/scaling';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { framed, unframed } from './decision-frames.ts';
import { Strategies } from './load-strategy.ts';

let records: readonly DecisionRecord[];
let bytes: Uint8Array;
beforeAll(async () => {
  const all: DecisionRecord[] = [];
  await using strategies = new Strategies();
  const { strategy, ...use } = await strategies.load('threshold', {});
  const kind = { trace: simulatedTraces.steps, job: simulatedJobs.pipeline };
  simulate(simulationSuite.scenarioOf(kind, simulationSuite.trainingSeeds[3]!, 0.02), strategy, {
    recording: { strategy: use, record: (each) => all.push(each) },
  });
  records = all.slice(0, 3);
  bytes = framed(records);
}, 120_000);

const settings = { seed: 20_261_129, numRuns: 300 };
const startOf = (decision: number) => framed(records.slice(0, decision)).length;

test('decisions are read as they were written, and files of them can be put together', () => {
  expect(records).toHaveLength(3);
  const same = records.map((record) => decodeRecord(encodeRecord(record)));
  expect(unframed(bytes)).toEqual(same);
  expect(unframed(Buffer.concat([bytes, bytes]))).toEqual([...same, ...same]);
});

test('a byte that has changed is refused, which says at which decision', () => {
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, bits) => {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= bits;
      const decision = [1, 2, 3].find((each) => at < startOf(each))!;
      const where = `decision ${decision}, at byte ${startOf(decision - 1)}, `;
      expect(() => unframed(damaged)).toThrow(where);
    }),
    settings,
  );
});

test('a file that was cut amid a decision is refused', () => {
  const ends = [0, 1, 2, 3].map(startOf);
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), (length) => {
      fc.pre(!ends.includes(length));
      expect(() => unframed(bytes.subarray(0, length))).toThrow('is cut off');
    }),
    settings,
  );
});

test('what is no decision is refused although its checksum is right', () => {
  const nothing = [0, 0, 0, 0, 0x21, 0x44, 0xdf, 0x1c];
  const read = () => unframed(Buffer.from(nothing));
  expect(read).toThrow(expect.objectContaining({ reason: 'SCALING_DECISION_INVALID' }));
  expect(read).toThrow('decision 1, at byte 0, is none: ');
});
