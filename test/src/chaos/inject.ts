import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  clockSkew,
  type DaemonProcess,
  SlowSync,
  type TestCluster,
} from '@tessera/testkit/cluster';
import type { Fault } from './fault.ts';

/** Undoes a fault. Daemons that were ended are started by whoever waits until all are ready. */
export type Heal = () => Promise<void> | void;

/** Makes something go wrong; it stays so until it is healed. */
export async function inject(cluster: TestCluster, fault: Fault): Promise<Heal> {
  const { network } = cluster;
  switch (fault.kind) {
    case 'kill':
      await cluster.named(fault.daemon).end('SIGKILL');
      return () => {};
    case 'kill-host':
      await killAll(cluster, fault.host);
      return () => {};
    case 'lose-host':
      network.setLink(fault.host, 'down');
      await killAll(cluster, fault.host);
      return () => network.setLink(fault.host, 'up');
    case 'pause': {
      const daemon = cluster.named(fault.daemon);
      daemon.pause();
      return () => daemon.resume();
    }
    case 'cut-off':
      network.setLink(fault.host, 'down');
      return () => network.setLink(fault.host, 'up');
    case 'separate': {
      const [a, b] = fault.hosts;
      network.separate(a, b);
      return () => network.join(a, b);
    }
    case 'narrow':
      network.narrow(fault.host, fault.kilobits);
      return () => network.widen(fault.host);
    case 'fill-disk': {
      const disk = cluster.disk(fault.disk, fault.host);
      disk.fill();
      return () => disk.empty();
    }
    case 'slow-sync': {
      const { pid } = cluster.named(fault.daemon);
      if (pid === undefined) return () => {}; // Another fault of this round has ended it.
      const slow = new SlowSync(pid, fault.delayMs);
      return () => slow[Symbol.asyncDispose]();
    }
    case 'corrupt': {
      const file = storedFile(cluster, fault);
      if (file !== undefined) corrupt(file, fault.choice);
      return () => {};
    }
    case 'vanish': {
      const file = storedFile(cluster, fault);
      if (file !== undefined) rmSync(file, { force: true });
      return () => {};
    }
    case 'bad-certificate': {
      // Started anew, because connections that are there go on with what they began with.
      cluster.spoilCertificate(fault.daemon, fault.how);
      await restart(cluster.named(fault.daemon));
      return () => cluster.renewCertificate(fault.daemon);
    }
    case 'skew-clock':
      // Nothing to heal: the clock stays wrong until the daemon starts for another reason, and all must be well with it.
      await restart(cluster.named(fault.daemon), clockSkew(fault.aheadMinutes * 60_000));
      return () => {};
  }
}

async function killAll({ daemons }: TestCluster, host: number): Promise<void> {
  const there = daemons.filter((daemon) => daemon.host === host);
  await Promise.all(there.map((daemon) => daemon.end('SIGKILL')));
}

/** Does not wait until it is ready: it may never be. */
async function restart(daemon: DaemonProcess, environment = {}): Promise<void> {
  await daemon.end('SIGKILL');
  daemon.launch(environment);
}

/** One of those that a storage daemon holds, `undefined` when it holds none. */
function storedFile(
  cluster: TestCluster,
  { host, choice }: { readonly host: number; readonly choice: number },
): string | undefined {
  const { folder } = cluster.disk('storage', host);
  const files = globSync('{cuboids,snapshots}/**/*.parquet', { cwd: folder }).sort();
  return files.length === 0 ? undefined : join(folder, files[choice % files.length]!);
}

/** Changes one byte of a file in place, as a failing disk does. */
function corrupt(file: string, choice: number): void {
  try {
    const bytes = readFileSync(file);
    bytes[choice % bytes.length]! ^= 0x40;
    writeFileSync(file, bytes);
  } catch (error) {
    // The daemon may have deleted it, and another fault may have filled the disk.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOSPC') throw error;
  }
}
