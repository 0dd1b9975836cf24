import type { Clock } from '@tessera/base';
import { withDeadline } from '@tessera/daemon';
import type { storage } from '@tessera/proto';
import type { NodeClient } from './node-clients.ts';

export interface Pull {
  readonly files: readonly storage.PulledFile[];
  /** Addresses of nodes that may have them, the preferred one first. */
  readonly sources: readonly string[];
  /** Loaded into memory afterwards, as far as the budget allows. */
  readonly toWarm: readonly storage.StoredFile[] | readonly Partial<storage.StoredFile>[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A pull of which nothing is heard for so long has failed. */
const stallMs = 60_000;
const warmUpMs = 60_000;

/**
 * Has a node copy files until it holds all of them, verified. What is there already costs nothing. That the files could not be
 * loaded into memory is no failure: they are read from disk then.
 * @throws PULL_FAILED, FILE_IN_NO_SOURCE, DISK_FULL, PULL_STALLED, and what a node that is away throws.
 */
export async function pullFiles(node: NodeClient, pull: Pull): Promise<void> {
  const { files, sources, toWarm, clock, signal: parent } = pull;
  const ended = new AbortController();
  const signal = AbortSignal.any([parent, ended.signal]);
  const on = { what: 'copying files', reason: 'PULL_STALLED', parent, clock };
  try {
    const progress = node.transfers
      .pullFiles({ files: [...files], sources: [...sources] }, { signal })
      [Symbol.asyncIterator]();
    while (!(await withDeadline(stallMs, () => progress.next(), on)).done);
  } finally {
    ended.abort();
  }
  if (toWarm.length === 0) return;
  const load = (one: AbortSignal) => node.storage.warmUp({ files: [...toWarm] }, { signal: one });
  await withDeadline(warmUpMs, load, { ...on, what: 'loading files' }).catch(() => {
    parent.throwIfAborted();
  });
}
