import { messageOf, resourceIdOf } from '@tessera/base';
import { isSelected } from '@tessera/flink';
import { withPatience } from './carry-out-jobs.ts';
import { selectorOf } from './cluster-spec.ts';
import { placementOf } from './cluster-status.ts';
import {
  needsProof,
  type Proof,
  type ProofInput,
  type ProofOutcome,
  proofOutcome,
  takeProofs,
} from './directory-proofs.ts';
import { flinkHostOf } from './flink-hosts.ts';
import type { FlinkOptions } from './flink-options.ts';
import type { Look } from './look.ts';
import type { Memory } from './memory.ts';

/** How soon hosts that do not see a directory are looked at again: somebody may have mounted it. */
const againMs = 30_000;

/** What this leader has found out of the directory of one cluster. */
export interface TakenProofs {
  readonly atMs: number;
  readonly proofs: readonly Proof[];
}

/**
 * What is known of the state directory of every cluster, after those were looked at of which it was time. A look waits a
 * moment for that; what takes longer, as where a file system hangs, goes on beside it.
 */
export async function proveDirectories(
  look: Look,
  memory: Memory,
  options: FlinkOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ProofOutcome>> {
  const { clock, log } = options;
  const begun = [...look.clusters.keys()].flatMap((id) => {
    const input = proofInputOf(id, look, memory);
    const key = `state directory of ${id}`;
    if (memory.underWay.keys().has(key) || !isDue(id, input, memory, clock.monotonicMs()))
      return [];
    const take = async () => {
      const proofs = await takeProofs(id, input, { clock, signal }).catch((error) => {
        log.warn({ cluster: id, error: messageOf(error) }, 'flink-cluster.proof-failed');
        return input.proofs;
      });
      memory.proofs.set(id, { atMs: clock.monotonicMs(), proofs });
    };
    return [memory.underWay.begin(key, take)];
  });
  if (begun.length > 0) await withPatience(Promise.all(begun), { clock, signal });
  for (const id of memory.proofs.keys()) if (!look.clusters.has(id)) memory.proofs.delete(id);
  return new Map(
    [...look.clusters.keys()].map((id) => [id, proofOutcome(proofInputOf(id, look, memory))]),
  );
}

function isDue(id: string, input: ProofInput, { proofs: all }: Memory, nowMs: number): boolean {
  const taken = all.get(id);
  const isSettled = taken !== undefined && nowMs - taken.atMs < againMs;
  const isSame = taken?.proofs.every(({ directory }) => directory === input.directory) ?? false;
  const hasUnseen = input.proofs.some(({ seen, directory }) => {
    return !seen && directory === input.directory;
  });
  if (needsProof(input)) return !isSettled || !isSame || isNews(input, taken);
  return hasUnseen && !isSettled;
}

/** Hosts that were not there, or are in another session than when the directory was looked at last. */
function isNews(input: ProofInput, taken: TakenProofs): boolean {
  return needsProof({ ...input, proofs: taken.proofs });
}

function proofInputOf(id: string, look: Look, { proofs }: Memory): ProofInput {
  const { clusters, clusterStatuses, hosts } = look;
  const { stateDirectory = '', hosts: selector } = clusters.get(id)?.spec ?? {};
  const status = clusterStatuses.get(id);
  const selected = hosts.filter((host) => {
    const known = flinkHostOf(host);
    return known !== undefined && isSelected(selectorOf(selector), known);
  });
  return {
    directory: stateDirectory,
    hosts: selected,
    proofs: proofs.get(id)?.proofs ?? status?.stateDirectoryProofs ?? [],
    atHome: new Set([
      ...(status === undefined ? [] : placementOf(status).map(({ host }) => host)),
      ...(status?.started ?? []).map(({ host }) => resourceIdOf(host)),
    ]),
  };
}
