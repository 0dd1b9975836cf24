import { createHash } from 'node:crypto';
import { type Clock, isTesseraError, resourceIdOf } from '@tessera/base';
import { timestampToProto } from '@tessera/client';
import { withDeadline } from '@tessera/daemon';
import type { flink } from '@tessera/proto';
import type { SeenHost } from '../hosts/observe-hosts.ts';
import type { ConditionReport } from './cluster-status.ts';
import {
  type ProbedHost,
  type ProbeOutcome,
  proveDirectory,
  type Verdict,
} from './prove-directory.ts';

/** Proofs of state directories: which hosts see the directory of a cluster, as it is written down in its status. */

export type Proof = flink.StateDirectoryProof;

/** What keeps hosts from a cluster, by host id, such as STATE_DIRECTORY_UNSEEN; and what is wrong, for people. */
export interface ProofOutcome {
  readonly proofs: readonly Proof[];
  readonly ineligible: ReadonlyMap<string, string>;
  readonly conditions: readonly ConditionReport[];
}

export interface ProofInput {
  readonly directory: string;
  /** Those that the cluster may be placed on. */
  readonly hosts: readonly SeenHost[];
  /** The newest proofs that are known. */
  readonly proofs: readonly Proof[];
  /** Ids of hosts where the cluster has processes. */
  readonly atHome: ReadonlySet<string>;
}

/** Hosts see only what is mounted; object stores and the like are known to Flink alone. */
export function isProvable(directory: string): boolean {
  return directory.startsWith('file:');
}

/**
 * What proofs say of hosts now. A host is looked at again when it has joined, was started again, or the directory is
 * another one; until then what was found out of it counts, and one where the cluster runs is not left for want of a proof.
 */
export function proofOutcome({ directory, hosts, proofs, atHome }: ProofInput): ProofOutcome {
  if (!isProvable(directory)) {
    return { proofs: [], ineligible: new Map(), conditions: [unprovable(directory)] };
  }
  const known = proofs.filter((proof) => proof.directory === directory);
  const ineligible = new Map<string, string>();
  const unseen: Proof[] = [];
  for (const { name } of hosts) {
    const proof = known.find(({ host }) => host === name);
    const id = resourceIdOf(name);
    if (proof === undefined && !atHome.has(id)) ineligible.set(id, 'STATE_DIRECTORY_UNPROVED');
    if (proof === undefined || proof.seen) continue;
    ineligible.set(id, 'STATE_DIRECTORY_UNSEEN');
    unseen.push(proof);
  }
  return { proofs: known, ineligible, conditions: unseen.length === 0 ? [] : [unseenBy(unseen)] };
}

/** Whether hosts have to be looked at: some are new, or were started again, since the directory was looked at. */
export function needsProof({ directory, hosts, proofs }: ProofInput): boolean {
  if (!isProvable(directory)) return false;
  return hosts
    .filter(({ processes }) => processes !== undefined)
    .some(({ name, session = '' }) => {
      const proof = proofs.find(({ host }) => host === name);
      return proof?.directory !== directory || proof.session !== session;
    });
}

function unprovable(directory: string): ConditionReport {
  return {
    reason: 'STATE_DIRECTORY_UNPROVABLE',
    message: `Only Flink itself can look into ${directory}, so that nothing says whether every host sees it, and jobs there are not stopped with their state. Use a file:// directory that all hosts share.`,
    metadata: { directory },
  };
}

/** So many are named. */
const maxNamed = 10;

function unseenBy(unseen: readonly Proof[]): ConditionReport {
  const named = unseen.slice(0, maxNamed);
  const [{ directory, detail }] = named as [Proof];
  const hosts = named.map(({ host }) => resourceIdOf(host)).join(', ');
  return {
    reason: 'STATE_DIRECTORY_UNSEEN',
    message: `${hosts} cannot hold processes of it, because ${unseen.length === 1 ? 'it does' : 'they do'} not see ${directory} as the others do (${detail}). Mount the same file system there, writable for the host daemon's user; or select other hosts.`,
    metadata: { hosts, directory, detail, count: String(unseen.length) },
  };
}

/** One call to one host, which gives up after 10 s by itself. */
const callDeadlineMs = 12_000;

/** Looks at the directory from all hosts that are seen. One that could not be asked keeps the proof that it has. */
export async function takeProofs(
  cluster: string,
  { directory, hosts, proofs, atHome }: ProofInput,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<readonly Proof[]> {
  const seen = hosts.filter(({ processes, client }) => processes && client);
  const probed = seen.map((host) => probedHost({ cluster, directory }, host, { clock, signal }));
  const verdicts = await proveDirectory(probed, atHome);
  const time = timestampToProto(clock.now());
  const found = seen.flatMap(({ name, session = '' }): Proof[] => {
    const id = resourceIdOf(name);
    if (!verdicts.has(id)) return [];
    const verdict: Verdict = verdicts.get(id);
    const seenBy = { seen: verdict === undefined, detail: verdict ?? '' };
    return [{ host: name, directory, session, ...seenBy, time }];
  });
  const others = proofs.filter(({ host }) => !found.some((one) => one.host === host));
  const known = new Set(hosts.map(({ name }) => name));
  return [...others.filter(({ host }) => known.has(host)), ...found].sort(byHost);
}

function byHost(a: Proof, b: Proof): number {
  return a.host < b.host ? -1 : 1;
}

function probedHost(
  { cluster, directory }: { readonly cluster: string; readonly directory: string },
  { name, client }: SeenHost,
  { clock, signal: parent }: { readonly clock: Clock; readonly signal: AbortSignal },
): ProbedHost {
  const ask = (work: (signal: AbortSignal) => Promise<string>) => {
    const slow = { what: `asking ${name}`, reason: 'HOST_SLOW', parent, clock };
    return withDeadline(callDeadlineMs, work, slow).then(
      (content): ProbeOutcome => ({ kind: 'done', content }),
      outcomeOf,
    );
  };
  const owner = (host: string) => ownerOf(cluster, host);
  const id = resourceIdOf(name);
  return {
    id,
    write: (nonce, createDirectory) =>
      ask(async (signal) => {
        const probe = { directory, owner: owner(id), nonce, createDirectory };
        await client!.writeProbe(probe, { signal });
        return nonce;
      }),
    read: (writer, nonce) =>
      ask(async (signal) => {
        const probe = { directory, owner: owner(writer), nonce };
        return (await client!.readProbe(probe, { signal })).content;
      }),
  };
}

/** @throws what says nothing of the directory */
function outcomeOf(error: unknown): ProbeOutcome {
  if (isTesseraError(error, 'DIRECTORY_MISSING')) return { kind: 'missing', what: 'directory' };
  if (isTesseraError(error, 'PROBE_MISSING')) return { kind: 'missing', what: 'probe' };
  for (const reason of ['DIRECTORY_UNUSABLE', 'DIRECTORY_HANGS', 'PROBE_INVALID']) {
    if (isTesseraError(error, reason)) return { kind: 'failed', detail: error.message };
  }
  throw error;
}

/** Clusters may share a directory; a probe is replaced only by the next one of the same cluster and host. */
function ownerOf(cluster: string, host: string): string {
  return createHash('sha256').update(`${cluster}/${host}`).digest('hex').slice(0, 16);
}
