import { availableParallelism } from 'node:os';
import { z } from 'zod';

/** What can be set. The reference page is made from these descriptions. */
export const storageConfig = z.object({
  directory: z.string().describe('Folder of all stored files; created when missing.'),
  memoryBudgetBytes: z
    .number()
    .int()
    .min(0)
    .default(1 << 30)
    .describe('How much of the cuboids is held ready in memory, in bytes of columns.'),
  workMemoryBytes: z
    .number()
    .int()
    .positive()
    .default(512 << 20)
    .describe('Memory for running scans and for reading files, on top of the budget.'),
  scanConcurrency: z
    .number()
    .int()
    .positive()
    .default(Math.max(2, availableParallelism()))
    .describe('Scans that run at once; each has one thread. Keep it below UV_THREADPOOL_SIZE.'),
  scanQueueLength: z.number().int().positive().default(2_000).describe('Scans that may wait.'),
  scanQueueLengthPerProject: z
    .number()
    .int()
    .positive()
    .default(1_000)
    .describe('Scans of one project that may wait; projects take turns.'),
  scanQueueTimeoutMs: z
    .number()
    .int()
    .positive()
    .default(30_000)
    .describe('How long a scan may wait.'),
});

export type StorageConfig = z.infer<typeof storageConfig>;
export type StorageConfigInput = z.input<typeof storageConfig>;
