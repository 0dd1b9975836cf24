import { HealthState } from 'nice-grpc-server-health';
import { expect, test } from 'vitest';
import { healthService } from './health-service.ts';

const [serving, notServing] = [1, 2];

test.each([
  { what: 'serves and needs nothing else', isHealthy: undefined, status: serving },
  { what: 'has what it needs', isHealthy: async () => true, status: serving },
  { what: 'knows that it has not', isHealthy: async () => false, status: notServing },
  { what: 'fails to find out', isHealthy: () => Promise.reject(new Error()), status: notServing },
  {
    what: 'waits for an answer',
    isHealthy: () => new Promise<never>(() => {}),
    status: notServing,
  },
])('a daemon that $what says so', async ({ isHealthy, status }) => {
  const state = HealthState();
  state.setStatus('healthy');
  const health = healthService(state, isHealthy);
  expect(await health.check({ service: '' }, {} as never)).toEqual({ status });
});
