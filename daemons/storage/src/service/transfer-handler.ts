import type { storage } from '@tessera/proto';
import type { CallContext } from 'nice-grpc-common';
import type { FenceGuard } from '../fencing/fence-guard.ts';
import type { WantedFile } from '../transfer/file-source.ts';
import { noProgress } from '../transfer/puller.ts';
import type { Transfers } from '../transfer/transfers.ts';
import { reportProgress } from './report-progress.ts';

/** Wire in, wire out. */
export class TransferHandler implements storage.TransferServiceImplementation {
  readonly #transfers: Transfers;
  readonly #guard: FenceGuard;

  constructor(transfers: Transfers, guard: FenceGuard) {
    this.#transfers = transfers;
    this.#guard = guard;
  }

  async *readFile({ file, offset }: storage.ReadFileRequest, { signal }: CallContext) {
    for await (const part of this.#transfers.read(file, Number(offset), signal)) {
      yield { data: part.data, sizeBytes: BigInt(part.sizeBytes) };
    }
  }

  async *pullFiles(request: storage.PullFilesRequest, { signal }: CallContext) {
    const files = request.files.map(wantedFile);
    const progress = noProgress();
    const pull = (onProgress: () => void) =>
      this.#guard.run(request.fence, (overtaken) => {
        const options = { signal: AbortSignal.any([signal, overtaken]), progress, onProgress };
        return this.#transfers.pull(files, request.sources, options);
      });
    yield* reportProgress(pull, () => ({
      pulledFiles: BigInt(progress.pulledFiles),
      pulledBytes: BigInt(progress.pulledBytes),
      presentFiles: BigInt(progress.presentFiles),
    }));
  }

  async *storeDeep(request: storage.StoreDeepRequest, { signal }: CallContext) {
    const progress = { storedFiles: 0, storedBytes: 0, presentFiles: 0 };
    const store = (onProgress: () => void) =>
      this.#guard.run(request.fence, (overtaken) => {
        const options = { signal: AbortSignal.any([signal, overtaken]), progress, onProgress };
        return this.#transfers.storeDeep(request.files, options);
      });
    yield* reportProgress(store, () => ({
      storedFiles: BigInt(progress.storedFiles),
      storedBytes: BigInt(progress.storedBytes),
      presentFiles: BigInt(progress.presentFiles),
    }));
  }

  async *scrubDeep({ fileDigests, fence }: storage.ScrubDeepRequest, { signal }: CallContext) {
    const progress = { verifiedFiles: 0, verifiedBytes: 0, damaged: [], missing: [] };
    const scrub = (onProgress: () => void) =>
      this.#guard.run(fence, (overtaken) => {
        const options = { signal: AbortSignal.any([signal, overtaken]), progress, onProgress };
        return this.#transfers.scrubDeep(fileDigests, options);
      });
    yield* reportProgress(scrub, () => ({
      verifiedFiles: BigInt(progress.verifiedFiles),
      verifiedBytes: BigInt(progress.verifiedBytes),
      damagedDigests: progress.damaged,
      missingDigests: progress.missing,
    }));
  }

  async deleteUnreferencedDeep(
    { referencedDigests, graceMicros, fence }: storage.DeleteUnreferencedDeepRequest,
    { signal }: CallContext,
  ) {
    const referenced = new Set(referencedDigests);
    const graceMs = Number(graceMicros / 1_000n);
    const { deletedFiles, deletedBytes, sweptUploads } = await this.#guard.run(fence, (overtaken) =>
      this.#transfers.deleteUnreferencedDeep(
        referenced,
        graceMs,
        AbortSignal.any([signal, overtaken]),
      ),
    );
    return {
      deletedFiles: BigInt(deletedFiles),
      deletedBytes: BigInt(deletedBytes),
      sweptUploads: BigInt(sweptUploads),
    };
  }
}

function wantedFile({ file, fileDigest, sizeBytes }: storage.PulledFile): WantedFile {
  return { file, fileDigest, ...(sizeBytes === 0n ? {} : { sizeBytes: Number(sizeBytes) }) };
}
