import { defineMetrics } from '@tessera/telemetry';

/** Bounds from a tenth of a second to a day. */
const workBuckets = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400] as const;

/** What the scheduler daemon counts. */
export const schedulerMetrics = defineMetrics({
  operations: {
    name: 'tessera_operations_total',
    kind: 'counter',
    unit: 'operations',
    help: 'Runs of operations (build, refresh, merge, drop, plan, maintenance) that ended, by outcome: OK, or the reason of the failure. One that is tried again is counted again.',
    labels: ['kind', 'outcome'],
  },
  duration: {
    name: 'tessera_operation_duration_seconds',
    kind: 'histogram',
    unit: 'seconds',
    help: 'Time of a run of an operation.',
    labels: ['kind'],
    buckets: workBuckets,
  },
  running: {
    name: 'tessera_operations_running',
    kind: 'gauge',
    unit: 'operations',
    help: 'Operations that run now.',
    labels: ['kind'],
  },
  leader: {
    name: 'tessera_scheduler_leader',
    kind: 'gauge',
    unit: 'leaders',
    help: '1 while this scheduler is the leader, else 0; over all schedulers the sum is 1, or 0 during a fail-over.',
    labels: [],
  },
});
