import type { Clock } from '@tessera/base';
import { withDeadline } from '@tessera/daemon';
import { host as wire } from '@tessera/proto';
import type { HostClient, SeenHost } from '../hosts/observe-hosts.ts';
import { processesOf } from './observe-cluster.ts';
import type { ClusterPlan } from './plan-clusters.ts';

const lines = 300;
const deadlineMs = 2_000;
/** Longest reason that is told. */
const maxLength = 500;

export interface LastWordsOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Why processes of a cluster have ended that are waited for before they are started again, by run; empty: their logs do not tell. */
export async function lastWords(
  plan: ClusterPlan,
  hosts: readonly SeenHost[],
  options: LastWordsOptions,
): Promise<ReadonlyMap<string, string>> {
  const words = new Map<string, string>();
  for (const host of hosts) {
    for (const { process } of processesOf(host, plan.id, plan.processes)) {
      if (process.state !== 'BACKOFF' || host.client === undefined) continue;
      words.set(process.run, (await lastReason(host.client, process.id, options)) ?? '');
    }
  }
  return words;
}

/** What cannot be read tells nothing. */
async function lastReason(
  client: HostClient,
  id: string,
  { clock, signal: parent }: LastWordsOptions,
): Promise<string | undefined> {
  const { LOG_STREAM_OUTPUT, LOG_STREAM_ERROR } = wire.LogStream;
  const slow = { what: `reading what ${id} has printed`, reason: 'HOST_SLOW', parent, clock };
  for (const stream of [LOG_STREAM_OUTPUT, LOG_STREAM_ERROR]) {
    const request = { name: `processes/${id}`, stream, tailLines: lines };
    const read = async (signal: AbortSignal) => {
      const pieces = await Array.fromAsync(client.readLogs(request, { signal }));
      return Buffer.concat(pieces.map(({ data }) => data)).toString();
    };
    const printed = await withDeadline(deadlineMs, read, slow).catch(() => '');
    const reason = reasonIn(printed);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** One line of a trace of Java: what was thrown, or what that was caused by. */
const thrown =
  /^(?<cause>Caused by: )?(?:Exception in thread "[^"]*" )?(?<what>(?:[\w$]+\.)+[\w$]*(?:Exception|Error)\b.*)$/gm;

/** The two innermost causes of the last trace of Java in a log: the last one alone often leaves out what it is about. */
export function reasonIn(log: string): string | undefined {
  let causes: string[] = [];
  for (const { groups } of log.matchAll(thrown)) {
    const { cause, what = '' } = groups!;
    causes = cause === undefined ? [what] : [...causes, what];
  }
  if (causes.length === 0) return undefined;
  return causes
    .slice(-2)
    .map((what) => what.trim().slice(0, maxLength))
    .join(' Caused by: ');
}
