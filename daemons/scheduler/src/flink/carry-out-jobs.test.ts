import { flink } from '@tessera/proto';
import { expect, test } from 'vitest';
import { sameJob } from './carry-out-jobs.ts';

const job = flink.FlinkJob.fromPartial({ name: 'flink-jobs/j', uid: 'later' });

test.each([
  ['that has no status begins', undefined, job],
  ['goes on by its own status', 'later', job],
  ['waits until an earlier one of its name has ended', 'earlier', undefined],
])('a job %s', (_, jobUid, carriedOut) => {
  const status = jobUid === undefined ? undefined : flink.FlinkJobStatus.fromPartial({ jobUid });
  expect(sameJob(job, status)).toBe(carriedOut);
});
