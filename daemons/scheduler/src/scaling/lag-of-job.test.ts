import type { JobSample } from '@tessera/scaling';
import { expect, test } from 'vitest';
import { type JobScaling, newScaling } from './job-scaling.ts';
import { mayLagGrow } from './lag-of-job.ts';

const jobId = 'a'.repeat(32);
const parallelism = { source: 1 };
const asked = { jobId, ageMs: 300_000, isScaled: true };

/** Half a minute of one attempt. */
function scaledWith(lagPerSecond: number): JobScaling {
  const sinceMs = 1_000;
  const samples = Array.from({ length: 31 }, (_, second): JobSample => {
    const source = { recordsIn: second, lagRecords: second * lagPerSecond };
    const timeMs = sinceMs + second * 1_000;
    return { timeMs, runningSinceMs: sinceMs, parallelism, vertices: { source } };
  });
  const running = { key: `${jobId}/1`, parallelism, sinceMs, lastSeenMs: sinceMs };
  const attempt = { running, isRunning: true, rescales: [] };
  return { ...newScaling, attempt, history: { samples } };
}

test('a job whose lag grows is told from one that keeps up', () => {
  expect(mayLagGrow(scaledWith(100), asked)).toBe(true);
  expect(mayLagGrow(scaledWith(0), asked)).toBe(false);
});

test('what another attempt has told is not held against a job, nor what nobody has told, but for its first minute', () => {
  const other = { ...asked, jobId: 'b'.repeat(32) };
  expect(mayLagGrow(scaledWith(100), other)).toBe(false);
  expect(mayLagGrow(undefined, asked)).toBe(false);
  expect(mayLagGrow(undefined, { ...asked, ageMs: 10_000 })).toBe(true);
  expect(mayLagGrow(undefined, { ...asked, ageMs: 10_000, isScaled: false })).toBe(false);
});
