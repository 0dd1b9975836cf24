import { z } from 'zod';
import { limits } from '../limits.ts';
import { flinkScaling } from './flink-scaling-schema.ts';
import { atMost, header, resourceId, text } from './schema-parts.ts';
import { parseSize } from './size.ts';

const size = z.custom<string>(
  (value) => typeof value === 'string' && parseSize(value) !== undefined,
  'must be a size with its unit, such as 1600 MiB or 4 GiB',
);
const managed = z.custom<string | number>(
  (value) => (typeof value === 'number' ? value >= 0 && value < 1 : size.safeParse(value).success),
  'must be a size such as 512 MiB, or a part from 0 to below 1 such as 0.4',
);
const fraction = z.custom<number>(
  (value) => typeof value === 'number' && value >= 0 && value < 1,
  'must be a part from 0 to below 1, such as 0.1',
);
/** Thousandths are the least that is told apart. */
const cpus = z.custom<number>(
  (value) =>
    typeof value === 'number' &&
    value > 0 &&
    value <= limits.flinkCpus &&
    Math.round(value * 1_000) / 1_000 === value,
  `must be a number of processors such as 0.5 or 2, at most ${limits.flinkCpus}, with at most 3 decimals`,
);
const count = z
  .int()
  .min(0, 'must not be negative')
  .max(limits.flinkProcesses, `must be at most ${limits.flinkProcesses}`);
const digest = text.regex(
  /^[0-9a-f]{64}$/,
  "must be a SHA-256, 64 hexadecimal digits, as 'tessera artifact put' tells it",
);
const location = text.regex(
  /^[a-z][a-z0-9+.-]*:\/\/[^\s]*[^\s/]$/,
  'must be a URI such as file:///shared/flink or s3://bucket/flink, without a slash at its end',
);
const part = z.strictObject({
  fraction: fraction.optional(),
  min: size.optional(),
  max: size.optional(),
});
const configuration = z.record(
  text.regex(/^[\w$.-]+$/, 'must be a key of Flink, such as state.backend.type'),
  z.union([z.string(), z.number(), z.boolean()], {
    error: 'must be a text, a number, true or false; write keys inside keys with dots',
  }),
);

const jobManager = z.strictObject({
  process: size,
  offHeap: size.optional(),
  metaspace: size.optional(),
  overhead: part.optional(),
  cpus: cpus.optional(),
});

const taskManager = z.strictObject({
  process: size,
  slots: z.int().min(1, 'must be at least 1').max(1_000, 'must be at most 1000'),
  cpus: cpus.optional(),
  taskHeap: size.optional(),
  taskOffHeap: size.optional(),
  managed: managed.optional(),
  network: part.optional(),
  frameworkHeap: size.optional(),
  frameworkOffHeap: size.optional(),
  metaspace: size.optional(),
  overhead: part.optional(),
  disk: size.optional(),
});

/** A Flink cluster as users write it. */
export const flinkCluster = z
  .strictObject({
    ...header('FlinkCluster'),
    flinkVersion: text.regex(
      /^2\.\d+\.\d+$/,
      'must be a version of Flink 2 as a text, such as "2.3.0"',
    ),
    bundle: digest.optional(),
    jobManager,
    taskManager: taskManager.optional(),
    fitToHosts: z
      .strictObject({ cpusPerSlot: cpus.optional(), maxSlots: count.optional() })
      .optional(),
    taskManagerCount: count.optional(),
    maxTaskManagerCount: count.optional(),
    headroom: count.optional(),
    hosts: z
      .strictObject({
        labels: z.record(text, z.string()).optional(),
        racks: z.array(text).optional(),
        hosts: z.array(resourceId).optional(),
      })
      .optional(),
    maxTaskManagersPerHost: count.optional(),
    apartFrom: z
      .array(resourceId)
      .max(limits.flinkProcesses, atMost(limits.flinkProcesses))
      .optional(),
    priority: z.int32().optional(),
    quota: text.optional(),
    stateDirectory: location,
    configuration: configuration.optional(),
    paused: z.boolean().optional(),
  })
  .superRefine(({ taskManager, fitToHosts, ...counts }, context) => {
    oneOf(context, { taskManager, fitToHosts });
    const { taskManagerCount: least = 1, maxTaskManagerCount: most = 0 } = counts;
    if (most === 0 || most >= least) return;
    const message = `must not be less than taskManagerCount, which is ${least}`;
    context.addIssue({ code: 'custom', path: ['maxTaskManagerCount'], input: most, message });
  });

const jar = z
  .strictObject({
    artifact: digest.optional(),
    file: text.optional(),
    entryClass: text.optional(),
    arguments: z.array(z.string()).optional(),
  })
  .superRefine(({ artifact, file }, context) => oneOf(context, { artifact, file }));

/** A job of Flink as users write it. */
export const flinkJob = z
  .strictObject({
    ...header('FlinkJob'),
    cluster: resourceId,
    jar: jar.optional(),
    sql: text.optional(),
    parallelism: z
      .int()
      .min(1, 'must be at least 1')
      .max(32_768, 'must be at most 32768')
      .optional(),
    configuration: configuration.optional(),
    upgradeMode: z.enum(['savepoint', 'last-state']).optional(),
    suspended: z.boolean().optional(),
    rollback: z.boolean().optional(),
    initialSavepoint: location.optional(),
    allowNonRestoredState: z.boolean().optional(),
    scaling: flinkScaling.optional(),
  })
  .superRefine(({ jar, sql }, context) => oneOf(context, { jar, sql }));

/** Of some fields one is given, and no other. */
function oneOf(context: z.RefinementCtx, fields: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(fields);
  const [first, second] = names.filter((name) => fields[name] !== undefined);
  if (first === undefined) {
    context.addIssue({
      code: 'too_small',
      minimum: 1,
      origin: 'object',
      input: fields,
      path: [],
      message: `needs ${names.join(' or ')}`,
    });
  } else if (second !== undefined) {
    context.addIssue({
      code: 'too_big',
      maximum: 1,
      origin: 'object',
      input: fields,
      path: [second],
      message: `cannot stand beside ${first}; remove one of them`,
    });
  }
}
