import { once } from 'node:events';
import { createServer } from 'node:http';

/** A JobManager's REST interface as far as it is asked how much a job does: one job of a source and a sink, whose counters grow with each look. */
export interface EmulatedJobManager extends AsyncDisposable {
  readonly port: number;
}

export async function emulateJobManager(jobId: string): Promise<EmulatedJobManager> {
  let looks = 0;
  const vertex = (id: string, parallelism: number, metrics: object) => ({
    ...{ id, name: id, parallelism, maxParallelism: 128, status: 'RUNNING' },
    ...{ tasks: { RUNNING: parallelism }, 'start-time': 1, slotSharingGroupId: 'g' },
    metrics: {
      ...{ 'read-records': 0, 'read-records-complete': true },
      ...{ 'write-records': 0, 'write-records-complete': true },
      ...{ 'accumulated-idle-time': 0, 'accumulated-backpressured-time': 0 },
      ...metrics,
    },
  });
  const job = () => {
    looks++;
    return {
      ...{ jid: jobId, name: 'sums', state: 'RUNNING', 'start-time': 1, 'end-time': -1 },
      ...{ now: 1_000_000 + looks * 1_000, timestamps: { RUNNING: 1 } },
      vertices: [
        vertex('source', 1, { 'accumulated-busy-time': looks * 100 }),
        vertex('sink', 2, { 'read-records': looks * 900, 'accumulated-busy-time': looks * 1_500 }),
      ],
      plan: { nodes: [{ id: 'source' }, { id: 'sink', inputs: [{ id: 'source' }] }] },
    };
  };
  const metric = (id: string, sum: number) => ({ id, min: sum, max: sum, avg: sum, sum });
  const answers: Readonly<Record<string, () => unknown>> = {
    '/overview': () => ({
      ...{ 'flink-version': '2.3.0', taskmanagers: 2, 'slots-total': 4, 'slots-available': 2 },
      ...{ 'jobs-running': 1, 'jobs-finished': 0, 'jobs-cancelled': 0, 'jobs-failed': 0 },
    }),
    '/taskmanagers': () => ({
      taskmanagers: [
        { id: 'orders-tm-1', slotsNumber: 2, freeSlots: 1, timeSinceLastHeartbeat: 1 },
      ],
    }),
    '/jobs/overview': () => ({ jobs: [] }),
    [`/jobs/${jobId}`]: job,
    [`/jobs/${jobId}/checkpoints`]: () => ({
      counts: { completed: 4, failed: 0, in_progress: 0, restored: 0 },
      latest: {
        completed: {
          ...{ id: 12, status: 'COMPLETED', is_savepoint: false, trigger_timestamp: 1_000 },
          ...{ end_to_end_duration: 5, state_size: 10, external_path: 'file:///c/chk-12' },
        },
      },
      history: [],
    }),
    [`/jobs/${jobId}/vertices/source/metrics`]: () => [
      { id: '0.Source__orders.pendingRecords' },
      { id: '0.numRecordsIn' },
    ],
    [`/jobs/${jobId}/vertices/source/subtasks/metrics`]: () => [
      metric('Source__orders.pendingRecords', 1_234),
      metric('numRecordsIn', looks * 1_000),
    ],
  };
  const server = createServer((request, response) => {
    const answer = answers[new URL(request.url!, 'http://x').pathname];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer?.() ?? { errors: ['Not found'] }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
