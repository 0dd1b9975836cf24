import { join } from 'node:path';
import type { Connection } from '@tessera/client';
import { DaemonProcess } from '../cluster/daemon-process.ts';

/** The platform's and the hosts' daemons of a stage, by the commands that users start them by. */

const root = join(import.meta.dirname, '../../../..');
const program = join(root, 'daemons/standalone/bin/tessera.mjs');
/** Nothing of it is measured here. */
const cuboidMegabytes = '64';

/** Out of reach of a Ctrl-C in the terminal: what they have started is to be ended first. */
const apart = ['setsid'];

/** `tessera` with arguments. */
export function tesseraCommand(...args: readonly string[]): readonly string[] {
  return [process.execPath, program, ...args];
}

export interface Place {
  readonly folder: string;
  readonly address: string;
  readonly port: number;
}

export function platformDaemon(
  { folder, address, port }: Place,
  client: Pick<Connection, 'hosts'>,
): DaemonProcess {
  return new DaemonProcess({
    ...{ name: 'platform', host: -1, logFile: join(folder, 'platform.log') },
    argv: [
      ...apart,
      ...tesseraCommand(
        ...['up', '--insecure', '--data', join(folder, 'platform')],
        ...['--host', address, '--port', String(port)],
        ...['--memory', cuboidMegabytes, '--log-level', 'info'],
      ),
    ],
    isReady: async () => {
      await client.hosts.listHosts({}, soon());
      return true;
    },
  });
}

export interface HostPlace extends Place {
  /** Its number; the host is called `h` and the number. */
  readonly host: number;
  /** Where the platform is. */
  readonly platform: string;
  /** What stands before a command to run it there. */
  readonly on: readonly string[];
  /** Ports that its processes are given, the first and the last. */
  readonly ports: readonly [first: number, last: number];
}

export function hostDaemon(
  { folder, address, port, host, platform, on, ports }: HostPlace,
  client: Pick<Connection, 'host'>,
): DaemonProcess {
  const name = `h${host}`;
  return new DaemonProcess({
    ...{ name, host, logFile: join(folder, `${name}.log`) },
    argv: [
      ...apart,
      ...on,
      ...tesseraCommand(
        ...['host', 'run', '--insecure', '--address', platform],
        ...['--name', name, '--data', join(folder, name), '--rack', `rack${host}`],
        ...['--host', address, '--port', String(port), '--ports', ports.join('-')],
      ),
    ],
    isReady: async () => {
      await client.host.listProcesses({}, soon());
      return true;
    },
  });
}

function soon(): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(1_000) };
}
