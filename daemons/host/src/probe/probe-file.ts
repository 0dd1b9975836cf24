/**
 * The program that writes and reads probes of a directory, apart from the host daemon: a file system of other machines may
 * hang for ever whoever looks at it. Argument: what to do, as JSON; it prints what came of it, as JSON.
 */
import { constants } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface ProbeTask {
  readonly kind: 'write' | 'read';
  /** Absolute. */
  readonly directory: string;
  readonly owner: string;
  readonly nonce: string;
  readonly createDirectory: boolean;
}

export type ProbeResult =
  | { readonly kind: 'done'; readonly content: string }
  | { readonly kind: 'missing'; readonly what: 'directory' | 'probe' }
  | { readonly kind: 'failed'; readonly detail: string };

/** What is read of a probe: one of ours is shorter. */
const maxBytes = 64;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

async function carryOut(task: ProbeTask): Promise<ProbeResult> {
  const { kind, directory, createDirectory } = task;
  try {
    if (createDirectory) await mkdir(directory, { recursive: true });
    if (!(await stat(directory)).isDirectory()) {
      return { kind: 'failed', detail: `${directory} is no directory` };
    }
  } catch (error) {
    return failed(error, 'directory');
  }
  try {
    return { kind: 'done', content: await (kind === 'write' ? write(task) : read(task)) };
  } catch (error) {
    return failed(error, 'probe');
  }
}

async function write({ directory, owner, nonce }: ProbeTask): Promise<string> {
  const prefix = `.tessera-probe-${owner}.`;
  for (const name of await readdir(directory)) {
    if (name.startsWith(prefix)) await rm(join(directory, name));
  }
  const path = join(directory, `${prefix}${nonce}`);
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
  try {
    await file.writeFile(nonce);
    await file.sync();
  } finally {
    await file.close();
  }
  return nonce;
}

async function read({ directory, owner, nonce }: ProbeTask): Promise<string> {
  const path = join(directory, `.tessera-probe-${owner}.${nonce}`);
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no file`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function failed(error: unknown, what: 'directory' | 'probe'): ProbeResult {
  if (!(error instanceof Error)) return { kind: 'failed', detail: String(error) };
  if ('code' in error && error.code === 'ENOENT') return { kind: 'missing', what };
  return { kind: 'failed', detail: error.message };
}

process.stdout.write(JSON.stringify(await carryOut(JSON.parse(process.argv[2]!))));
