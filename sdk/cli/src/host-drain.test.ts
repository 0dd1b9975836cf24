import { flink } from '@tessera/proto';
import { expect, test } from 'vitest';
import { drainProgressOf } from './host-drain.ts';

const statusOf = (change: Parameters<typeof flink.FlinkClusterStatus.fromPartial>[0]) =>
  flink.FlinkClusterStatus.fromPartial({ name: 'flink-cluster-statuses/c', ...change });
const started = [
  { process: 'processes/c-jm-1', host: 'hosts/a' },
  { process: 'processes/c-tm-1', host: 'hosts/a' },
  { process: 'processes/c-tm-2', host: 'hosts/b' },
];

test.each([
  {
    what: 'what is there and what it waits for',
    status: statusOf({ started, waitsFor: 'c-tm-3 to be up before c-tm-1 is stopped' }),
    progress: {
      processes: ['c-jm-1', 'c-tm-1'],
      words: '2 processes of c left: it waits for c-tm-3 to be up before c-tm-1 is stopped',
      isBlocked: false,
    },
  },
  {
    what: 'that there is no room elsewhere',
    status: statusOf({
      started: started.slice(1),
      waitsFor: 'something else',
      conditions: [{ reason: 'DRAIN_BLOCKED', message: 'Add hosts.' }],
    }),
    progress: { processes: ['c-tm-1'], words: '1 process of c left: Add hosts.', isBlocked: true },
  },
  {
    what: 'what is only placed there so far',
    status: statusOf({ placement: [{ host: 'hosts/a' }] }),
    progress: {
      processes: ['c is placed there'],
      words: '0 processes of c left',
      isBlocked: false,
    },
  },
  {
    what: 'nothing when all is elsewhere, whatever is blocked there',
    status: statusOf({ started: started.slice(2), conditions: [{ reason: 'DRAIN_BLOCKED' }] }),
    progress: { processes: [], words: '', isBlocked: false },
  },
])('a drain tells $what', ({ status, progress }) => {
  expect(drainProgressOf([status], 'hosts/a')).toEqual(progress);
});
