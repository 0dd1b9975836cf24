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
  deepStorage: z
    .string()
    .optional()
    .describe(
      'Where copies of all files are kept apart from the hosts: `file:///folder`, such as one of an NFS server, or `webhdfs://user@namenode:9870/folder`, with several name nodes separated by commas.',
    ),
  transferBytesPerSecond: z
    .number()
    .int()
    .positive()
    .default(64 << 20)
    .describe(
      'Bytes that copying files between daemons may move per second: so many in, and so many out.',
    ),
  transferConcurrency: z
    .number()
    .int()
    .positive()
    .default(4)
    .describe('Files that are copied at once: so many in, and so many out.'),
  transferQueueLength: z
    .number()
    .int()
    .positive()
    .default(256)
    .describe('Files that may wait to be copied, each way.'),
  transferIdleTimeoutMs: z
    .number()
    .int()
    .positive()
    .default(30_000)
    .describe('How long a source of copies may give nothing before another one is asked.'),
  scrubBytesPerSecond: z
    .number()
    .int()
    .min(0)
    .default(8 << 20)
    .describe(
      'How fast stored files are read again to find damaged ones, in bytes; 0: not at all.',
    ),
  scrubIntervalMs: z
    .number()
    .int()
    .positive()
    .max(2 ** 31 - 1)
    .default(86_400_000)
    .describe('From the end of one such round over all files to the beginning of the next.'),
  deepScrubBytesPerSecond: z
    .number()
    .int()
    .positive()
    .default(8 << 20)
    .describe(
      'How fast this daemon reads files of deep storage again when the scheduler asks it to, in bytes.',
    ),
  mendIntervalMs: z
    .number()
    .int()
    .positive()
    .max(2 ** 31 - 1)
    .default(60_000)
    .describe(
      'How often it is tried again to replace damaged files by copies of other daemons or deep storage.',
    ),
  name: z
    .string()
    .default('')
    .describe(
      'The storage node, by which placement knows it: the last part of `storageNodes/{node}`. Empty: it is not one, and nothing is placed on it.',
    ),
  rack: z.string().default('').describe('What fails together with it; empty: not known.'),
  capacityBytes: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe(
      'What of the disk segments may take; they are placed in proportion to it. Without it nine tenths of the file system.',
    ),
  leaseTtlMs: z
    .number()
    .int()
    .min(1_000)
    .max(3_600_000)
    .default(10_000)
    .describe('How long the node counts as alive after its last heartbeat.'),
  registrationIntervalMs: z
    .number()
    .int()
    .positive()
    .default(60_000)
    .describe(
      'How often what the node holds is counted again, and registered when it has changed.',
    ),
});

export type StorageConfig = z.infer<typeof storageConfig>;
export type StorageConfigInput = z.input<typeof storageConfig>;
