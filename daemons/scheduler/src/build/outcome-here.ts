import type { OperationContext } from '../operations/operation.ts';
import type { Plain } from '../operations/plain.ts';
import type { BuildStore } from '../replicas/build-store.ts';
import { pulledFile } from '../replicas/items.ts';
import { hasContent } from './missing-layouts.ts';

interface MadeFile {
  readonly file: string;
  readonly fileDigest: string;
  readonly sizeBytes: bigint;
}

export interface FileStep<Outcome> {
  readonly step: string;
  /** False when its files are published already, and nobody asks for them here any more. */
  readonly needed: () => boolean;
  readonly filesOf: (outcome: Outcome) => readonly MadeFile[];
  /** Makes the files in the staging directory of this step. */
  readonly take: (step: string) => Promise<Outcome>;
}

/**
 * The outcome of a journaled step that makes files, which are then on the building node. Where the step was done in an earlier
 * life of the operation, its files may be on the node of another host: then they are fetched; when that host has died with
 * them, they are made once more.
 */
export async function outcomeHere<Outcome>(
  store: BuildStore,
  { journal, signal }: OperationContext,
  { step, needed, filesOf, take }: FileStep<Outcome>,
): Promise<Outcome> {
  const outcomeOf = async (key: string) =>
    (await journal.step(
      key,
      () => null,
      async () => (await take(key)) as unknown as Plain,
    )) as unknown as Outcome;
  const wasDone = journal.isDone(step);
  const outcome = await outcomeOf(step);
  if (!wasDone || !needed()) return outcome;
  const files = filesOf(outcome).filter(({ file }) => hasContent(file));
  const lost = await store.fetch(files.map(pulledFile), signal);
  return lost.size === 0 ? outcome : outcomeOf(`${step}-on-${(await store.nodeId()) ?? 'again'}`);
}
