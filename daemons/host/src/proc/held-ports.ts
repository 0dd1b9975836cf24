/**
 * Who listens at the ports that a host gives to its processes, where that is a process of a run: it carries the run's
 * mark, whichever host daemon, alive or gone, has started it.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { markedProcesses } from './members.ts';
import { readIfThere } from './process-identity.ts';

/** Both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface Listener {
  readonly port: number;
  /** `127.0.0.1`; `*`: all of the machine's; IPv6 as the kernel writes it. */
  readonly ip: string;
  /** Of its socket, which nobody else has while it is open. */
  readonly inode: string;
}

export interface PortHolder extends Listener {
  readonly pid: number;
  /** Of its run. */
  readonly mark: string;
}

/** Looks only once for whom a socket belongs to: reading all open files of a machine takes time. */
export class PortHolders {
  readonly #range: PortRange;
  #known = new Map<string, Pick<PortHolder, 'pid' | 'mark'> | undefined>();

  constructor(range: PortRange) {
    this.#range = range;
  }

  /** By port. Those that listen for nobody's run, or cannot be looked at, are not among them. */
  read(): readonly PortHolder[] {
    const { first, last } = this.#range;
    const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readIfThere(file) ?? '');
    const listeners = tables
      .flatMap(listenersOf)
      .filter(({ port }) => port >= first && port <= last)
      .sort((a, b) => a.port - b.port);
    const isNew = listeners.some(({ inode }) => !this.#known.has(inode));
    const found = isNew ? socketsOfRuns() : this.#known;
    this.#known = new Map(listeners.map(({ inode }) => [inode, found.get(inode)]));
    return listeners.flatMap((listener) => {
      const holder = this.#known.get(listener.inode);
      return holder === undefined ? [] : [{ ...listener, ...holder }];
    });
  }
}

/** Of `/proc/net/tcp` or `tcp6`. */
export function listenersOf(tcp: string): readonly Listener[] {
  const listening = '0A';
  return tcp
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === listening)
    .map((fields) => {
      const [address, port] = fields[1]!.split(':');
      return { port: Number.parseInt(port!, 16), ip: ipOf(address!), inode: fields[9]! };
    });
}

/** Each four bytes stand there as one number of a little-endian machine. */
function ipOf(hex: string): string {
  if (/^0+$/.test(hex)) return '*';
  const mapped = '0000000000000000FFFF0000';
  const last = hex.startsWith(mapped) ? hex.slice(mapped.length) : hex;
  if (last.length > 8) return hex;
  return Buffer.from(last, 'hex').reverse().join('.');
}

/** By inode. */
function socketsOfRuns(): Map<string, Pick<PortHolder, 'pid' | 'mark'>> {
  const sockets = new Map<string, Pick<PortHolder, 'pid' | 'mark'>>();
  for (const { pid, mark } of markedProcesses()) {
    for (const inode of socketsOf(pid)) sockets.set(inode, { pid, mark });
  }
  return sockets;
}

function socketsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((file) => {
      const inode = /^socket:\[(\d+)\]$/.exec(readLinkIfThere(`${folder}/${file}`))?.[1];
      return inode === undefined ? [] : [inode];
    });
  } catch {
    return []; // It has ended, or is another user's.
  }
}

function readLinkIfThere(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
