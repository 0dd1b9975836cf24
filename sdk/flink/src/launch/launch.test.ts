import { describe, expect, test } from 'vitest';
import type { PlacedProcess } from '../placement/placement.ts';
import type { FlinkClusterSpec } from '../spec/cluster-spec.ts';
import { jobManagerCommand, sqlGatewayCommand, taskManagerCommand } from './commands.ts';
import { addressOf, clusterConfiguration, configYaml, javaOptionsOf } from './configuration.ts';

const gib = 2 ** 30;
const spec: FlinkClusterSpec = {
  flinkVersion: '2.3.0',
  bundle: 'b1',
  jobManager: { processBytes: gib },
  taskManager: { processBytes: 2 * gib, slots: 2 },
  taskManagerCount: 2,
  stateDirectory: 'file:///shared/flink',
};
const placed = (role: PlacedProcess['role'], ...ports: number[]): PlacedProcess => ({
  cluster: 'orders',
  role,
  number: 3,
  host: 'h1',
  ports,
});
const address = addressOf(placed('jobmanager', 6123, 8081, 6124), '10.0.0.1');
const paths = { flink: '/flink', configuration: '/conf', scratch: '/disk1/orders-3' };

describe('the configuration', () => {
  test('keeps checkpoints of jobs that are cancelled, and says where everything is', () => {
    expect(clusterConfiguration(spec, address)).toMatchObject({
      'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
      'execution.checkpointing.dir': 'file:///shared/flink/checkpoints',
      'jobmanager.rpc.address': '10.0.0.1',
      'rest.port': '8081',
      'blob.server.port': '6124',
    });
  });

  test('takes what the spec says instead of a default', () => {
    const configuration = { 'execution.checkpointing.interval': '1 min', 'table.exec.x': 'y' };
    expect(clusterConfiguration({ ...spec, configuration }, address)).toMatchObject(configuration);
  });

  test.each(['rest.port', 'taskmanager.memory.process.size', 'taskmanager.numberOfTaskSlots'])(
    'refuses %s, which is computed',
    (key) => {
      const reserved = { ...spec, configuration: { [key]: '1' } };
      expect(() => clusterConfiguration(reserved, address)).toThrow(
        expect.objectContaining({ reason: 'FLINK_CONFIGURATION_RESERVED' }),
      );
    },
  );

  test('lets the size of network buffers be set', () => {
    const configuration = { 'taskmanager.memory.segment-size': '4kb' };
    expect(clusterConfiguration({ ...spec, configuration }, address)).toMatchObject(configuration);
  });

  test('is text with one key a line, in order', () => {
    expect(configYaml({ b: '1 s', a: 'file:///x "y"' })).toBe('a: "file:///x \\"y\\""\nb: "1 s"\n');
  });
});

describe('options of Java', () => {
  test('are those of all processes, and then those of its role', () => {
    const configuration = {
      'env.java.opts.all': '-Da=1  -Db="two words"',
      'env.java.opts.taskmanager': '-XX:+UseG1GC',
      'env.java.opts.jobmanager': '-Xlog:gc',
    };
    const options = ['-Da=1', '-Db=two words', '-XX:+UseG1GC'];
    expect(javaOptionsOf('taskmanager', configuration)).toEqual(options);
    expect(javaOptionsOf('sql-gateway', configuration)).toEqual(options.slice(0, 2));
    expect(javaOptionsOf('taskmanager')).toEqual([]);
  });

  test('come after the computed ones, so that they win', () => {
    const { argv } = jobManagerCommand(spec.jobManager, { ...paths, javaOptions: ['-Xmx1m'] });
    const heaps = argv.filter((arg) => arg.startsWith('-Xmx'));
    expect(heaps).toHaveLength(2);
    expect(heaps.at(-1)).toBe('-Xmx1m');
    expect(argv.indexOf('-Xmx1m')).toBeLessThan(argv.indexOf('-cp'));
  });
});

describe('the command of', () => {
  test('a TaskManager gives every key that Flink does not derive by itself', () => {
    const process = placed('taskmanager', 21_000, 21_001);
    const { argv, environment } = taskManagerCommand(spec.taskManager, process, '10.0.0.2', paths);
    expect(environment).toEqual({ FLINK_PLUGINS_DIR: '/flink/plugins', FLINK_CONF_DIR: '/conf' });
    const keys = argv.flatMap((arg, i) => (argv[i - 1] === '-D' ? [arg.split('=')[0]] : []));
    expect(keys).toEqual([
      'io.tmp.dirs',
      'taskmanager.bind-host',
      'taskmanager.cpu.cores',
      'taskmanager.data.port',
      'taskmanager.host',
      ...[
        'framework.heap.size',
        'framework.off-heap.size',
        'jvm-metaspace.size',
        'jvm-overhead.max',
        'jvm-overhead.min',
        'managed.size',
        'network.max',
        'network.min',
        'task.heap.size',
        'task.off-heap.size',
      ].map((key) => `taskmanager.memory.${key}`),
      'taskmanager.numberOfTaskSlots',
      'taskmanager.resource-id',
      'taskmanager.rpc.port',
    ]);
    expect(argv).toContain('taskmanager.resource-id=orders-tm-3');
    expect(argv).toContain('taskmanager.data.port=21001');
    expect(argv.slice(0, 2)).toEqual(['java', expect.stringMatching(/^-Xmx\d+$/)]);
  });

  test('a JobManager reads its ports from the configuration', () => {
    const { argv } = jobManagerCommand(spec.jobManager, paths);
    expect(argv).toContain(
      'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
    );
    expect(argv.join(' ')).toContain('--configDir /conf -D io.tmp.dirs=/disk1/orders-3');
  });

  test('the SQL gateway has its jar on the class path', () => {
    const { argv } = sqlGatewayCommand(
      { heapBytes: gib / 2, metaspaceBytes: gib / 4 },
      placed('sql-gateway', 8083),
      '10.0.0.1',
      { ...paths, flinkVersion: '2.3.0' },
    );
    expect(argv).toContain('/flink/lib/*:/flink/opt/flink-sql-gateway-2.3.0.jar');
    expect(argv.at(-1)).toBe('-Dsql-gateway.endpoint.rest.port=8083');
  });
});
