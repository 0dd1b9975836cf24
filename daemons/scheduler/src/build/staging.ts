import { resourceIdOf } from '@tessera/base';
import type { SchedulerClients } from '../clients.ts';

/** The idempotency key of a step's staging directory. */
export function stagingKey(operation: string, step: string): string {
  return `${resourceIdOf(operation)}-${step}`;
}

/** Throws the staging directories of steps away; one that was taken in before leaves its mark only. */
export async function dropStaging(
  { storage }: Pick<SchedulerClients, 'storage'>,
  cube: string,
  operation: string,
  steps: readonly string[],
): Promise<void> {
  for (const step of steps) {
    const key = stagingKey(operation, step);
    const { ingest } = await storage.prepareIngest({ cube, key });
    await storage.abortIngest({ ingest });
  }
}
