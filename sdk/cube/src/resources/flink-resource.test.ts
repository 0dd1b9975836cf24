import { describe, expect, test } from 'vitest';
import { diffResources, printDiff } from './diff-resources.ts';
import { parseResources } from './parse-resources.ts';
import { printResources } from './print-resources.ts';
import { parseSize, printSize } from './size.ts';
import { parseTimeSpan, printTimeSpan } from './time-span.ts';

const text = `apiVersion: tessera/v1
kind: FlinkCluster
name: orders
flinkVersion: 2.3.0
bundle: ${'a'.repeat(64)}
jobManager: { process: 1600 MiB, cpus: 0.5 }
taskManager:
  process: 4 GiB
  slots: 2
  managed: 0.3
  network: { min: 64 MiB, max: 128 MiB }
  disk: 20 GB
taskManagerCount: 3
maxTaskManagerCount: 6
hosts: { racks: [r1], hosts: [node1] }
apartFrom: [others]
stateDirectory: s3://bucket/flink
configuration:
  state.backend.type: rocksdb
  web.timeout: 20 s
  some.flag: true
---
apiVersion: tessera/v1
kind: FlinkJob
name: sums
cluster: orders
parallelism: 4
upgradeMode: last-state
sql: |
  CREATE TABLE source (a INT) WITH ('connector' = 'datagen');
  INSERT INTO sink SELECT * FROM source;
---
apiVersion: tessera/v1
kind: FlinkJob
name: load
cluster: orders
jar:
  artifact: ${'b'.repeat(64)}
  arguments: [--rate, "10"]
rollback: false
scaling:
  strategy: "@tessera/strategy-threshold"
  options: { windowMs: 4000 }
  maxLag: 30s
  bounds: { maxParallelism: 8, vertices: { bc764cd8ddf7a0cff126f51c16239658: { min: 2, max: 4 } } }
  windows:
    - { name: nights, rule: noScaleDown, days: [sun, mon], from: 22:00, to: 06:00 }
  rollback: { tolerance: 0.2, avoid: 1h }
  vetoes: [{ veto: our-veto, options: { hours: [1, 2] } }]
`;
const resourcesOf = (yaml: string) =>
  parseResources(yaml, 'flink.yaml').resources.map(({ resource }) => resource);

describe('clusters and jobs of Flink', () => {
  test('come out of YAML as they went in', () => {
    const resources = resourcesOf(text);
    expect(resources.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'FlinkCluster orders',
      'FlinkJob sums',
      'FlinkJob load',
    ]);
    expect(resourcesOf(printResources(resources))).toEqual(resources);
    expect(printResources(resources)).toContain('jobManager: { process: 1600 MiB, cpus: 0.5 }\n');
    expect(printResources(resources)).toContain('\n  bounds: { maxParallelism: 8, vertices');
    expect(printResources(resources)).toContain('\nsql: |\n  CREATE TABLE source (a INT)');
  });

  test.each([
    ['bundle: a', 'bundel: a', 5, 1, 'bundel: is not known here; did you mean bundle.'],
    ['flinkVersion: 2.3.0', 'flinkVersion: 1.20.1', 4, 15, 'must be a version of Flink 2'],
    ['flinkVersion: 2.3.0', 'flinkVersion: 2.3', 4, 15, 'must be a text, not 2.3.'],
    ['a'.repeat(64), 'flink.tgz', 5, 9, 'must be a SHA-256'],
    [
      '1600 MiB',
      '1600',
      6,
      24,
      'must be a size with its unit, such as 1600 MiB or 4 GiB, not 1600',
    ],
    ['1600 MiB', '1600m', 6, 24, 'must be a size with its unit'],
    ['4 GiB', '4 Gib', 8, 12, 'not "4 Gib"'],
    ['4 GiB', '-4 GiB', 8, 12, 'must be a size'],
    ['process: 4 GiB\n', '\n', 9, 3, 'taskManager.process: is missing; it must be a size'],
    ['slots: 2', 'slots: 0', 9, 10, 'must be at least 1'],
    ['managed: 0.3', 'managed: 1.5', 10, 12, 'a part from 0 to below 1'],
    ['min: 64 MiB', 'min: small', 11, 19, 'must be a size'],
    ['cpus: 0.5', 'cpus: 0', 6, 40, 'must be a number of processors'],
    ['cpus: 0.5', 'cpus: 0.0005', 6, 40, 'at most 3 decimals'],
    ['taskManagerCount: 3', 'taskManagerCount: -1', 13, 19, 'must not be negative'],
    ['s3://bucket/flink', '/shared/flink', 17, 17, 'must be a URI'],
    ['web.timeout: 20 s', 'web: { timeout: 20 s }', 20, 8, 'write keys inside keys with dots'],
    ['taskManagerCount: 3', 'fitToHosts: {}', 13, 13, 'cannot stand beside taskManager'],
    ['parallelism: 4', 'parallelism: 0', 27, 14, 'must be at least 1'],
    [
      'last-state',
      'stateless',
      28,
      14,
      '"stateless" is not possible; known are savepoint, last-state',
    ],
    ['rollback: false', 'sql: SELECT 1;', 40, 6, 'cannot stand beside jar; remove one of them'],
    ['maxTaskManagerCount: 6', 'maxTaskManagerCount: 2', 14, 22, 'must not be less than'],
    ['maxTaskManagerCount: 6', 'maxTaskManagerCount: 2001', 14, 22, 'must be at most 2000'],
    ['"@tessera/strategy-threshold"', 'Threshold!', 42, 13, 'must be the name of a package'],
    ['{ windowMs: 4000 }', 'fast', 43, 12, 'options: must be'],
    ['maxLag: 30s', 'maxLag: soon', 44, 11, 'must be a time such as 500ms, 10s, 5m or 1h'],
    ['min: 2, max: 4', 'min: 5, max: 4', 45, 85, 'must not be more than max, not 5'],
    ['maxParallelism: 8', 'maxParallelism: 8, minParallelism: 9', 45, 48, 'maxParallelism'],
    ['maxParallelism: 8', 'maxParallelism: 0', 45, 29, 'must be at least 1'],
    ['rule: noScaleDown', 'rule: never', 47, 29, 'known are freeze, noScaleDown, only'],
    ['from: 22:00', 'from: 24:00', 47, 66, 'must be a time such as 07:30'],
    ['days: [sun, mon]', 'days: [sunday]', 47, 49, 'sun, mon'],
    ['tolerance: 0.2', 'tolerance: 20', 48, 26, 'must be 0 to 1'],
    ['veto: our-veto', 'veto: Our Veto', 49, 20, 'must be the name of a package'],
    [
      `jar:\n  artifact: ${'b'.repeat(64)}\n  arguments: [--rate, "10"]\n`,
      '',
      33,
      1,
      'needs jar or sql',
    ],
  ])('%j as %j is told with its place', (from, to, line, column, what) => {
    expect(text).toContain(from);
    expect(() => resourcesOf(text.replace(from, to))).toThrowError(
      expect.objectContaining({
        reason: 'RESOURCE_INVALID',
        message: expect.stringContaining(what),
        violations: expect.arrayContaining([expect.objectContaining({ line, column })]),
      }),
    );
  });

  test('differ field by field, and scripts line by line', () => {
    const changed = text
      .replace('4 GiB', '8 GiB')
      .replace('rocksdb', 'hashmap')
      .replace('(a INT)', '(a BIGINT)');
    expect(printDiff(diffResources(resourcesOf(text), resourcesOf(changed))).split('\n')).toEqual([
      '~ FlinkCluster orders',
      '    ~ taskManager.process: 4 GiB → 8 GiB',
      '    ~ configuration.state.backend.type: rocksdb → hashmap',
      '~ FlinkJob sums',
      '    ~ sql:',
      "      - CREATE TABLE source (a INT) WITH ('connector' = 'datagen');",
      "      + CREATE TABLE source (a BIGINT) WITH ('connector' = 'datagen');",
    ]);
  });
});

describe('a size', () => {
  test.each<[string, bigint | undefined]>([
    ['0 B', 0n],
    ['1600 MiB', 1_677_721_600n],
    ['4GiB', 4_294_967_296n],
    ['1.5 GiB', 1_610_612_736n],
    ['20 GB', 20_000_000_000n],
    ['1 kB', 1_000n],
    ['0.1 B', undefined],
    ['4', undefined],
    ['4 gb', undefined],
    ['9007199254740993 B', undefined],
    ['1e3 MiB', undefined],
    ['١ MiB', undefined],
    ['', undefined],
  ])('%s is %s bytes', (size, bytes) => {
    expect(parseSize(size)).toBe(bytes);
  });

  test('is printed in one way, which is read back to the same', () => {
    for (const bytes of [0n, 1n, 1_023n, 1_024n, 1_610_612_736n, 20_000_000_000n, 2n ** 50n]) {
      expect(parseSize(printSize(bytes))).toBe(bytes);
    }
    expect([printSize(1_677_721_600n), printSize(2n ** 32n)]).toEqual(['1600 MiB', '4 GiB']);
  });
});

describe('a span of time', () => {
  test.each<[string, number | undefined]>([
    ['0s', 0],
    ['500ms', 500],
    ['90s', 90_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1.5s', undefined],
    ['10 s', undefined],
    ['10', undefined],
    ['10d', undefined],
    ['-1s', undefined],
    ['', undefined],
  ])('%s is %s milliseconds', (text, ms) => {
    expect(parseTimeSpan(text)).toBe(ms);
  });

  test('is printed in one way, which is read back to the same', () => {
    for (const ms of [0, 1, 999, 1_000, 1_500, 60_000, 90_000, 3_600_000, 86_400_000]) {
      expect(parseTimeSpan(printTimeSpan(ms))).toBe(ms);
    }
    expect([0, 1_500, 90_000, 7_200_000].map(printTimeSpan)).toEqual([
      '0ms',
      '1500ms',
      '90s',
      '2h',
    ]);
  });
});
