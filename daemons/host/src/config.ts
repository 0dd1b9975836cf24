import { z } from 'zod';

const port = z.number().int().min(1).max(65_535);

/** What can be set. The reference page is made from these descriptions. */
export const hostConfig = z.object({
  name: z
    .string()
    .describe('The host, by which all others know it: the last part of `hosts/{host}`.'),
  directory: z.string().describe('Folder of the journal, artifacts, logs and working directories.'),
  rack: z.string().default('').describe('What fails together with it; empty: not known.'),
  labels: z
    .record(z.string(), z.string())
    .default({})
    .describe('What the operator says of the machine, for placing work.'),
  ports: z
    .object({
      first: port.default(20_000).describe('The first port that processes may be given.'),
      last: port.default(20_999).describe('The last one.'),
    })
    .refine(({ first, last }) => first <= last, 'first must not be above last')
    .prefault({}),
  leaseTtlMs: z
    .number()
    .int()
    .min(1_000)
    .max(3_600_000)
    .default(10_000)
    .describe(
      'How long the host counts as alive after its last heartbeat; there are three in that time.',
    ),
  cutOffAfterMs: z
    .number()
    .int()
    .min(1_000)
    .max(3_600_000)
    .default(30_000)
    .describe(
      'How long after its last confirmed heartbeat the host ends what was started to end when it is cut off, as processes of Flink are: so long what it runs is not started elsewhere.',
    ),
  inventoryIntervalMs: z
    .number()
    .int()
    .positive()
    .default(60_000)
    .describe('How often the inventory is read again, and registered when it has changed.'),
  maxProcesses: z
    .number()
    .int()
    .positive()
    .default(1_000)
    .describe('Processes that are kept, those included that have ended and were not deleted.'),
  maxArtifactBytes: z
    .number()
    .int()
    .positive()
    .default(16 * 2 ** 30)
    .describe('How large one artifact may be, in bytes.'),
  maxUploads: z
    .number()
    .int()
    .positive()
    .default(16)
    .describe('Artifacts that may come in at once.'),
  maxUnpackedBytes: z
    .number()
    .int()
    .positive()
    .default(64 * 2 ** 30)
    .describe('How large one artifact may be when it is unpacked, in bytes.'),
  maxPulls: z
    .number()
    .int()
    .positive()
    .default(4)
    .describe('Artifacts that may come from other hosts at once.'),
  maxReaders: z
    .number()
    .int()
    .positive()
    .default(8)
    .describe('Hosts that may read artifacts from this one at once.'),
  artifactBytesPerSecond: z
    .number()
    .int()
    .nonnegative()
    .default(0)
    .describe(
      'Bytes of artifacts that may come from other hosts in a second, and that may go to them; 0: no bound.',
    ),
  uploadIdleTimeoutMs: z
    .number()
    .int()
    .positive()
    .default(60_000)
    .describe('How long an artifact that is coming in, or its source, may pause.'),
});

export type HostConfig = z.infer<typeof hostConfig>;
export type HostConfigInput = z.input<typeof hostConfig>;
