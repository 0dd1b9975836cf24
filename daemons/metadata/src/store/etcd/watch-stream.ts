import { WatchRequest, type WatchResponse } from '../../gen/etcd.ts';
import { AttemptFailed, type EtcdCluster } from './cluster.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { Keyspace } from './keyspace.ts';

/** What a watch is told: changes of whole revisions, or without any a mark that it is alive. */
export interface WatchPart {
  readonly events: WatchResponse['events'];
  /** Everything up to it has been told; `undefined`: nothing is known. */
  readonly through: bigint | undefined;
}

/** What was to be watched is gone; this is the oldest revision that is left. */
export class Compacted extends Error {
  readonly compactRevision: bigint;

  constructor(compactRevision: bigint) {
    super(`compacted up to ${compactRevision}`);
    this.compactRevision = compactRevision;
  }
}

/**
 * Follows everything below the prefix from a revision on, at one member, for as long as it answers: then it
 * throws. A member that is silent for three heartbeats counts as gone.
 * @throws Compacted, AttemptFailed, what etcd refused.
 */
export async function followChanges(
  cluster: EtcdCluster,
  keyspace: Keyspace,
  request: {
    readonly from: bigint;
    readonly signal: AbortSignal;
    readonly part: (part: WatchPart) => void | Promise<void>;
  },
): Promise<never> {
  const { heartbeatMs } = cluster.timing;
  const ended = new AbortController();
  const signal = AbortSignal.any([request.signal, ended.signal]);
  let heardMs = cluster.clock.monotonicMs();
  // A member is not silent while it waits for a slow consumer.
  let consuming = false;
  const silent = () => !consuming && cluster.clock.monotonicMs() - heardMs > 3 * heartbeatMs;
  async function* requests(): AsyncGenerator<WatchRequest> {
    yield created(keyspace, request.from);
    while (!signal.aborted) {
      await cluster.clock.sleep(heartbeatMs, signal).catch(() => undefined);
      if (silent()) ended.abort();
      else if (!consuming && !signal.aborted) yield progress;
    }
  }
  let asked: EtcdClient | undefined;
  try {
    return await cluster.stream(signal, async (client, options) => {
      asked = client;
      for await (const response of client.watch.watch(requests(), options)) {
        cluster.checkHeader(response.header);
        consuming = true;
        await request.part(partOf(response));
        consuming = false;
        heardMs = cluster.clock.monotonicMs();
      }
      throw new AttemptFailed({ kind: 'lost', detail: 'the watch was ended' });
    });
  } finally {
    // Not when the caller gave up: only the member that fell silent is left.
    if (asked !== undefined && ended.signal.aborted) cluster.turnAway(asked);
    ended.abort();
  }
}

const progress = WatchRequest.fromPartial({
  requestUnion: { $case: 'progressRequest', value: {} },
});

function created(keyspace: Keyspace, startRevision: bigint): WatchRequest {
  const value = { ...keyspace.whole, startRevision, progressNotify: true };
  return WatchRequest.fromPartial({ requestUnion: { $case: 'createRequest', value } });
}

/**
 * The answer to a progress request only says that the member is alive: before 3.4.25 and 3.5.8 it could
 * overtake events. Marks that a member sends by itself stand in line with the events.
 */
function partOf(response: WatchResponse): WatchPart {
  const { compactRevision, canceled, cancelReason, events, header } = response;
  if (compactRevision > 0n) throw new Compacted(compactRevision);
  if (canceled) throw new AttemptFailed({ kind: 'lost', detail: cancelReason || 'cancelled' });
  const last = events.at(-1)?.kv?.modRevision;
  if (last !== undefined) return { events, through: last };
  const told = !response.created && response.watchId >= 0n;
  return { events, through: told ? header?.revision : undefined };
}
