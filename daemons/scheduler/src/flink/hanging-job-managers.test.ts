import { beforeEach, expect, test } from 'vitest';
import { HangingJobManagers } from './hanging-job-managers.ts';
import { type JobManagerSight, jobManagerSlow, silent } from './job-manager.ts';
import { UnderWay } from './under-way.ts';

const url = 'http://a:8081';
const slow = silent(jobManagerSlow);
const refuses = silent('FLINK_UNREACHABLE');
let underWay: UnderWay;
let hanging: HangingJobManagers;
beforeEach(() => {
  underWay = new UnderWay();
  hanging = new HangingJobManagers(underWay);
});
const answering = (sight: JobManagerSight) => async () => sight;

test('no look waits for a JobManager on which one has waited in vain, and nobody asks it twice at a time', async () => {
  expect(await hanging.look(url, answering(slow))).toEqual(slow);
  let asked = 0;
  const answer = Promise.withResolvers<JobManagerSight>();
  const ask = () => {
    asked += 1;
    return answer.promise;
  };
  expect(await hanging.look(url, ask)).toEqual(slow);
  expect(await hanging.look(url, ask)).toEqual(slow);
  expect(asked).toBe(1);
  answer.resolve(refuses);
  await underWay.settled();
  expect(await hanging.look(url, answering(refuses))).toEqual(refuses);
});

test('one that is asked beside a look and hangs again is asked beside the next one too', async () => {
  await hanging.look(url, answering(slow));
  await hanging.look(url, answering(slow));
  await underWay.settled();
  expect(await hanging.look(url, answering(refuses))).toEqual(slow);
});

test('others are waited for, and so is one that nobody has asked for in between', async () => {
  await hanging.look(url, answering(slow));
  expect(await hanging.look('http://b:8081', answering(refuses))).toEqual(refuses);
  hanging.forgetUnasked();
  hanging.forgetUnasked();
  expect(await hanging.look(url, answering(refuses))).toEqual(refuses);
});
