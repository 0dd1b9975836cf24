import { expect, test } from 'vitest';
import { resultAnswer } from './job.ts';

test('what a job has failed by is the innermost cause of its trace; one that goes on has none', () => {
  const trace = 'org.Outer: failed\n\tat x\nCaused by: org.Root: no such topic\n\tat y';
  const failed = { 'job-execution-result': { 'failure-cause': { 'stack-trace': trace } } };
  expect(resultAnswer.parse(failed)).toBe('org.Root: no such topic');
  expect(resultAnswer.parse({ status: { id: 'IN_PROGRESS' } })).toBeUndefined();
});
