import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A name node and a data node of Hadoop in processes of their own. */
export interface HdfsServers extends AsyncDisposable {
  /** Of the name node's WebHDFS. */
  readonly url: string;
}

/** Hadoop's libraries as `scripts/install-test-deps.sh` installs them; `undefined` when they or Java are missing. */
export function hadoopLibraries(): string | undefined {
  const folder =
    process.env['TESSERA_HADOOP_LIB'] ?? join(homedir(), '.cache/tessera/hadoop-3.4.2/lib');
  const paths = (process.env['PATH'] ?? '').split(delimiter);
  const hasJava = paths.some((path) => existsSync(join(path, 'java')));
  return hasJava && existsSync(join(folder, 'hadoop-hdfs-3.4.2.jar')) ? folder : undefined;
}

/** Starts both on free ports of loopback, with their data in a temporary directory that goes when they are disposed. */
export async function startHdfs(libraries: string): Promise<HdfsServers> {
  const directory = await mkdtemp(join(tmpdir(), 'tessera-hdfs-'));
  const [rpc, http, ...dataPorts] = (await freePorts(5)) as [number, number, ...number[]];
  await writeConfiguration(directory, rpc, http, dataPorts);
  const children: ChildProcess[] = [];
  const start = async (log: string, name: string, ...args: string[]) => {
    const child = await startJava(directory, libraries, log, name, args);
    children.push(child);
    return child;
  };
  const stop = async () => {
    await Promise.all(children.map(end));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const url = `http://127.0.0.1:${http}`;
    const format = await start('format', 'namenode.NameNode', '-format', '-nonInteractive');
    if (format.exitCode === null) await once(format, 'exit');
    await start('namenode', 'namenode.NameNode');
    await start('datanode', 'datanode.DataNode');
    await untilServing(url, directory, children.slice(1));
    return { url, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const startDeadlineMs = 180_000;

async function untilServing(
  url: string,
  directory: string,
  children: readonly ChildProcess[],
): Promise<void> {
  const bean = `${url}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState`;
  const deadline = AbortSignal.timeout(startDeadlineMs);
  while (!deadline.aborted && children.every((child) => child.exitCode === null)) {
    const state = await fetch(bean, { signal: deadline }).then(
      (answer) => answer.text(),
      () => '',
    );
    if (/"NumLiveDataNodes" : 1/.test(state)) return;
    await sleep(200);
  }
  const logs = ['format', 'namenode', 'datanode'].map((name) =>
    readFile(join(directory, `${name}.log`), 'utf8').catch(() => ''),
  );
  throw new Error(`HDFS did not start:\n${(await Promise.all(logs)).join('\n').slice(-4_000)}`);
}

async function startJava(
  directory: string,
  libraries: string,
  log: string,
  name: string,
  args: readonly string[],
): Promise<ChildProcess> {
  const output = await open(join(directory, `${log}.log`), 'w');
  const opened = ['lang', 'nio', 'net', 'util', 'util.concurrent'].map((each) => `java.${each}`);
  const flags = [...opened, 'sun.nio.ch', 'jdk.internal.ref'].flatMap((each) => [
    '--add-opens',
    `java.base/${each}=ALL-UNNAMED`,
  ]);
  const child = spawn(
    'java',
    [
      '-Xmx256m',
      ...flags,
      '-Djava.net.preferIPv4Stack=true',
      `-Dhadoop.log.dir=${directory}`,
      ...['-cp', `${join(directory, 'conf')}:${libraries}/*`],
      `org.apache.hadoop.hdfs.server.${name}`,
      ...args,
    ],
    { stdio: ['ignore', output.fd, output.fd], cwd: directory },
  );
  await once(child, 'spawn');
  await output.close();
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function writeConfiguration(
  directory: string,
  rpc: number,
  http: number,
  [data, dataHttp, dataIpc]: readonly number[],
): Promise<void> {
  const folder = join(directory, 'conf');
  await mkdir(folder);
  await writeProperties(join(folder, 'core-site.xml'), {
    'fs.defaultFS': `hdfs://127.0.0.1:${rpc}`,
    'hadoop.tmp.dir': join(directory, 'data'),
  });
  await writeProperties(join(folder, 'hdfs-site.xml'), {
    'dfs.replication': '1',
    'dfs.namenode.http-address': `127.0.0.1:${http}`,
    'dfs.namenode.rpc-bind-host': '127.0.0.1',
    'dfs.datanode.address': `127.0.0.1:${data}`,
    'dfs.datanode.http.address': `127.0.0.1:${dataHttp}`,
    'dfs.datanode.ipc.address': `127.0.0.1:${dataIpc}`,
    'dfs.datanode.hostname': '127.0.0.1',
    'dfs.namenode.datanode.registration.ip-hostname-check': 'false',
    'dfs.namenode.safemode.extension': '0',
  });
  await writeFile(
    join(folder, 'log4j.properties'),
    'log4j.rootLogger=WARN,c\nlog4j.appender.c=org.apache.log4j.ConsoleAppender\nlog4j.appender.c.layout=org.apache.log4j.SimpleLayout\n',
  );
}

async function writeProperties(
  path: string,
  properties: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries(properties).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
  );
  await writeFile(path, `<configuration>${lines.join('\n')}</configuration>\n`);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
