import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hostOf } from '../placement/fixture.ts';
import { fitToHosts } from './fit-to-host.ts';
import {
  type JobManagerSize,
  jobManagerJvmFlags,
  jobManagerKeys,
  jobManagerMemory,
} from './job-manager-memory.ts';
import {
  type TaskManagerSize,
  taskManagerJvmFlags,
  taskManagerKeys,
  taskManagerMemory,
} from './task-manager-memory.ts';

const mib = 2 ** 20;
const gib = 2 ** 30;

/** Sizes drawn at random, and what the classes of Flink 2.3.0 make of them (docs/adr/0186). */
interface Vector {
  readonly role: string;
  readonly size: TaskManagerSize & JobManagerSize;
  readonly flags?: readonly string[];
  readonly keys?: Readonly<Record<string, string>>;
  readonly error?: string;
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden-vectors.json'), 'utf8'),
);

function computed({ role, size }: Vector): Pick<Vector, 'flags' | 'keys'> {
  if (role === 'jobmanager') {
    const memory = jobManagerMemory(size);
    return { flags: jobManagerJvmFlags(memory), keys: jobManagerKeys(memory) };
  }
  const memory = taskManagerMemory(size);
  return { flags: taskManagerJvmFlags(memory), keys: taskManagerKeys(size, memory) };
}

describe('memory', () => {
  test('is computed as Flink does it, to the byte', () => {
    const fine = vectors.filter(({ error }) => error === undefined);
    expect(fine.length).toBeGreaterThan(100);
    for (const vector of fine) {
      if (vector.role === 'jobmanager' && heapOf(vector) < 128 * mib) {
        expect(() => computed(vector)).toThrow(/parts need/);
        continue;
      }
      expect(computed(vector), JSON.stringify(vector.size)).toEqual({
        flags: vector.flags,
        keys: vector.keys,
      });
    }
  });

  test('is refused where Flink refuses it', () => {
    const refused = vectors.filter(({ error }) => error !== undefined);
    expect(refused.length).toBeGreaterThan(20);
    for (const vector of refused) {
      expect(() => computed(vector), `${vector.error} ${JSON.stringify(vector.size)}`).toThrow(
        /parts need|left for the network/,
      );
    }
  });

  test.each<[string, Partial<TaskManagerSize>, string]>([
    ['the whole', { processBytes: 300 * mib }, 'FLINK_MEMORY_TOO_SMALL'],
    ['a part', { managedBytes: 4 * gib }, 'FLINK_MEMORY_TOO_SMALL'],
    ['the task heap', { taskHeapBytes: 1900 * mib, managedFraction: 0 }, 'FLINK_MEMORY_TOO_SMALL'],
    [
      'what is left for the network',
      { taskHeapBytes: 900 * mib, managedFraction: 0, network: { max: 64 * mib } },
      'FLINK_NETWORK_MEMORY_OUT_OF_RANGE',
    ],
    ['a fraction', { managedFraction: 1.5 }, 'FLINK_MEMORY_INVALID'],
    ['a range', { network: { min: 2, max: 1 } }, 'FLINK_MEMORY_INVALID'],
    ['a number of bytes', { metaspaceBytes: 1.5 }, 'FLINK_MEMORY_INVALID'],
    ['the slots', { slots: 0 }, 'FLINK_MEMORY_INVALID'],
    ['memory that batch jobs need', { frameworkOffHeapBytes: 64 * mib }, 'FLINK_MEMORY_INVALID'],
  ])('names %s when it does not fit', (_, rest, reason) => {
    const size = { processBytes: 2 * gib, slots: 1, ...rest };
    expect(() => taskManagerMemory(size)).toThrow(expect.objectContaining({ reason }));
  });
});

function heapOf({ keys }: Vector): number {
  return Number.parseInt(keys!['jobmanager.memory.heap.size']!, 10);
}

describe('fitting to hosts', () => {
  test('fills the smallest with as few TaskManagers as slots allow', () => {
    const hosts = [hostOf('a', { cpuMillis: 16_000, memoryBytes: 64 * gib }), hostOf('b')];
    expect(fitToHosts(hosts)).toEqual({
      size: { processBytes: 32 * gib, slots: 8, cpuCores: 8 },
      perHost: 1,
    });
    expect(fitToHosts(hosts, { maxSlots: 3 })).toEqual({
      size: { processBytes: 10_922 * mib, slots: 2, cpuCores: 2.666 },
      perHost: 3,
    });
  });

  test('keeps heaps below 32 GiB', () => {
    const { size, perHost } = fitToHosts([hostOf('a', { memoryBytes: 256 * gib })]);
    expect(perHost).toBe(5);
    expect(taskManagerMemory(size).taskHeapBytes).toBeLessThan(31 * gib);
  });

  test('makes fewer of them where memory is short, and says when there is too little', () => {
    const narrow = hostOf('a', { cpuMillis: 64_000, memoryBytes: 2 * gib });
    expect(fitToHosts([narrow]).perHost).toBe(2);
    const none = hostOf('a', { memoryBytes: 512 * mib });
    for (const hosts of [[none], []]) {
      expect(() => fitToHosts(hosts)).toThrow(
        expect.objectContaining({ reason: 'FLINK_HOSTS_TOO_SMALL' }),
      );
    }
  });
});
