import {
  type FlinkClusterWish,
  type FlinkJobWish,
  type FlinkKeys,
  type FlinkScalingWish,
  type MaintenanceWindowWish,
  type PartOfMemory,
  type PluginOptions,
  parseResources,
  printResources,
  printSize,
  printTimeSpan,
} from '@tessera/cube';
import { flink } from '@tessera/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type FlinkResource,
  flinkClusterFromProto,
  flinkClusterToProto,
  flinkJobFromProto,
  flinkJobToProto,
  flinkYamlField,
  normalizedFlink,
} from './flink-resources.ts';

const settings = { seed: 20_261_129, numRuns: 300 };

/** Optional fields are sometimes absent. */
const some = <T>(shape: { readonly [K in keyof T]-?: fc.Arbitrary<T[K]> }, required: (keyof T)[]) =>
  fc.record(shape as never, { requiredKeys: required as never[] }) as unknown as fc.Arbitrary<T>;

const id = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,12}$/);
const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 3 });
const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
const text = fc.string({ minLength: 1, maxLength: 20 });
const size = fc.oneof(
  fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }).map(printSize),
  fc.integer({ min: 1, max: 10_000 }).map((count) => `${count}MiB`),
  fc.constant('1.5 GiB'),
);
const fraction = fc.integer({ min: 0, max: 999 }).map((parts) => parts / 1_000);
const cpus = fc.integer({ min: 1, max: 100_000 }).map((millis) => millis / 1_000);
const count = fc.integer({ min: 0, max: 2_000 });
const part = some<PartOfMemory>({ fraction, min: size, max: size }, []);
const keys: fc.Arbitrary<FlinkKeys> = fc.dictionary(
  fc.stringMatching(/^[a-z][a-z.-]{0,10}$/),
  fc.oneof(fc.string(), fc.integer(), fc.boolean()),
  { minKeys: 1, maxKeys: 4 },
);
const location = fc.constantFrom('s3://bucket/flink', 'file:///shared/flink');

const common: fc.Arbitrary<FlinkClusterWish> = some<FlinkClusterWish>(
  {
    flinkVersion: fc.constantFrom('2.3.0', '2.2.1'),
    bundle: digest,
    jobManager: some<FlinkClusterWish['jobManager']>(
      { process: size, offHeap: size, metaspace: size, overhead: part, cpus },
      ['process'],
    ),
    taskManager: fc.constant(undefined),
    fitToHosts: fc.constant(undefined),
    taskManagerCount: count,
    maxTaskManagerCount: fc.integer({ min: 2_000, max: 2_000 }), // Never less than the least.
    headroom: count,
    hosts: some<NonNullable<FlinkClusterWish['hosts']>>(
      { labels: fc.dictionary(text, fc.string(), { minKeys: 1 }), racks: ids, hosts: ids },
      ['racks'],
    ),
    maxTaskManagersPerHost: count,
    apartFrom: ids,
    priority: fc.integer({ min: -100, max: 100 }),
    quota: text,
    stateDirectory: location,
    configuration: keys,
    paused: fc.constant(true), // That it is not paused is not printed.
  },
  ['flinkVersion', 'bundle', 'jobManager', 'stateDirectory'],
).map(({ taskManager: _, fitToHosts: __, ...rest }) => rest);

const sizing = fc.oneof(
  some<NonNullable<FlinkClusterWish['taskManager']>>(
    {
      process: size,
      slots: fc.integer({ min: 1, max: 100 }),
      cpus,
      taskHeap: size,
      taskOffHeap: size,
      managed: fc.oneof(size, fraction),
      network: part,
      frameworkHeap: size,
      frameworkOffHeap: size,
      metaspace: size,
      overhead: part,
      disk: size,
    },
    ['process', 'slots'],
  ).map((taskManager) => ({ taskManager })),
  some<NonNullable<FlinkClusterWish['fitToHosts']>>({ cpusPerSlot: cpus, maxSlots: count }, []).map(
    (fitToHosts) => ({ fitToHosts }),
  ),
);

const span = fc.oneof(
  fc.integer({ min: 0, max: 86_400_000 }).map(printTimeSpan),
  fc.constantFrom('90s', '60000ms', '1h'),
);
const subtasks = fc.integer({ min: 1, max: 32_768 });
const option = fc.oneof(fc.integer(), fc.boolean(), text, fc.constant(null), fc.array(text));
const options: fc.Arbitrary<PluginOptions> = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,5}$/),
  fc.oneof(option, fc.record({ inner: option })),
  { minKeys: 1 },
);
const packageName = fc.constantFrom('@tessera/strategy-threshold', 'our-own.strategy');
const range = fc.tuple(subtasks, subtasks).map(([a, b]) => [Math.min(a, b), Math.max(a, b)]);
const clock = fc.constantFrom('00:00', '07:30', '23:59');

const bounds: fc.Arbitrary<NonNullable<FlinkScalingWish['bounds']>> = fc
  .tuple(range, subtasks, fc.dictionary(fc.stringMatching(/^[0-9a-f]{8}$/), range, { minKeys: 1 }))
  .map(([[min, max], maxSlots, vertices]) => ({
    ...{ minParallelism: min!, maxParallelism: max!, maxSlots },
    vertices: Object.fromEntries(
      Object.entries(vertices).map(([vertex, [least, most]]) => {
        return [vertex, { min: least!, max: most! }];
      }),
    ),
  }));

const scaling = some<FlinkScalingWish>(
  {
    paused: fc.constant(true),
    strategy: packageName,
    options,
    maxLag: span,
    priority: fc.integer({ min: -100, max: 100 }),
    bounds: fc.oneof(bounds, fc.constant({})),
    cooldownBeforeUp: span,
    cooldownBeforeDown: span,
    windows: fc.array(
      some<MaintenanceWindowWish>(
        {
          name: text,
          rule: fc.constantFrom('freeze', 'noScaleDown', 'only'),
          timeZone: fc.constantFrom('Europe/Berlin', 'UTC'),
          days: fc.subarray(['sun', 'mon', 'sat'] as const, { minLength: 1 }),
          from: clock,
          to: clock,
        },
        ['name', 'rule', 'from', 'to'],
      ),
      { minLength: 1, maxLength: 3 },
    ),
    rollback: some<NonNullable<FlinkScalingWish['rollback']>>(
      {
        enabled: fc.boolean(),
        stabilization: span,
        window: span,
        tolerance: fraction,
        avoid: span,
      },
      [],
    ),
    vetoes: fc.array(
      some<{ readonly veto: string; readonly options?: PluginOptions }>(
        { veto: packageName, options },
        ['veto'],
      ),
      { minLength: 1, maxLength: 3 },
    ),
  },
  [],
);

const jobWish: fc.Arbitrary<FlinkJobWish> = fc
  .tuple(
    some<FlinkJobWish>(
      {
        cluster: id,
        jar: fc.constant(undefined),
        sql: fc.constant(undefined),
        parallelism: fc.integer({ min: 1, max: 32_768 }),
        configuration: keys,
        upgradeMode: fc.constantFrom('savepoint', 'last-state'),
        suspended: fc.boolean(),
        rollback: fc.boolean(),
        initialSavepoint: location,
        allowNonRestoredState: fc.boolean(),
        scaling,
      },
      ['cluster'],
    ),
    fc.oneof(
      text.map((sql) => ({ sql })),
      some<NonNullable<FlinkJobWish['jar']>>(
        {
          artifact: digest,
          file: fc.constant(undefined),
          entryClass: text,
          arguments: fc.array(text, { minLength: 1 }),
        },
        ['artifact'],
      ).map(({ file: _, ...jar }) => ({ jar })),
    ),
  )
  .map(([{ jar: _, sql: __, ...rest }, program]) => ({ ...rest, ...program }));

const resource: fc.Arbitrary<FlinkResource> = fc.oneof(
  fc.tuple(id, common, sizing).map(([name, rest, sizes]): FlinkResource => {
    return { kind: 'FlinkCluster', name, spec: { ...rest, ...sizes } };
  }),
  fc.tuple(id, jobWish).map(([name, spec]): FlinkResource => ({ kind: 'FlinkJob', name, spec })),
);

const read = (yaml: string) => parseResources(yaml, 'flink.yaml').resources[0]!.resource;
const toProto = (one: FlinkResource) =>
  one.kind === 'FlinkCluster' ? flinkClusterToProto(one) : flinkJobToProto(one);

describe('what is wanted of Flink', () => {
  test('is the same after YAML, and after the wire', () => {
    fc.assert(
      fc.property(resource, (given) => {
        const printed = read(printResources([given])) as FlinkResource;
        expect(printed).toEqual(given);
        const normal = normalizedFlink(given);
        expect(toProto(normal)).toEqual(toProto(given));
        expect(normalizedFlink(read(printResources([normal])) as FlinkResource)).toEqual(normal);
      }),
      settings,
    );
  });

  test('loses nothing on the wire', () => {
    fc.assert(
      fc.property(resource, (given) => {
        const sent = toProto(given);
        const back =
          given.kind === 'FlinkCluster'
            ? flinkClusterToProto(flinkClusterFromProto(sent as flink.FlinkCluster))
            : flinkJobToProto(flinkJobFromProto(sent as flink.FlinkJob));
        expect(back).toEqual(sent);
        const bytes =
          given.kind === 'FlinkCluster'
            ? flink.FlinkCluster.decode(flink.FlinkCluster.encode(sent as never).finish())
            : flink.FlinkJob.decode(flink.FlinkJob.encode(sent as never).finish());
        expect(bytes).toEqual(sent);
      }),
      settings,
    );
  });

  test.each([
    ['task_manager.process_bytes', 'task_manager.process'],
    ['task_manager.managed_fraction', 'task_manager.managed'],
    ['job_manager.cpu_millis', 'job_manager.cpus'],
    ['fit_to_hosts.cpu_millis_per_slot', 'fit_to_hosts.cpus_per_slot'],
    ['sql.script', 'sql'],
    ['scaling.rollback.avoid_ms', 'scaling.rollback.avoid'],
    ['configuration.my_ms', 'configuration.my_ms'],
    ['configuration.my_bytes', 'configuration.my_bytes'],
  ])('has its faults where they are written: %s', (field, written) => {
    expect(flinkYamlField(field)).toBe(written);
  });
});
