import {
  dataTypeFromProto,
  recordBatchToProto,
  type ScanWork,
  scanCuboidPath,
  scanParametersFromProto,
  scanPlanFromProto,
  scanWorkToProto,
} from '@tessera/client';
import type { ColumnBatch } from '@tessera/columnar';
import { storage } from '@tessera/proto';
import { servedRequest } from '@tessera/telemetry';
import type { CallContext } from 'nice-grpc-common';
import { badScanPlan, ingestNotFound } from '../errors.ts';
import type { FenceGuard } from '../fencing/fence-guard.ts';
import type { StagedFile } from '../files/ingest.ts';
import type { StoredFileKind } from '../files/stored-path.ts';
import type { StorageDaemon } from '../storage-daemon.ts';
import type { LayoutFile } from '../store/layout-file.ts';
import type { Transfers } from '../transfer/transfers.ts';
import type { Upkeep } from '../upkeep/upkeep.ts';

/** Wire in, wire out. */
export class StorageHandler implements storage.StorageServiceImplementation {
  readonly #daemon: StorageDaemon;
  readonly #guard: FenceGuard;
  readonly #transfers: Transfers;
  readonly #upkeep: Upkeep;

  constructor(parts: {
    readonly daemon: StorageDaemon;
    readonly guard: FenceGuard;
    readonly transfers: Transfers;
    readonly upkeep: Upkeep;
  }) {
    this.#daemon = parts.daemon;
    this.#guard = parts.guard;
    this.#transfers = parts.transfers;
    this.#upkeep = parts.upkeep;
  }

  async *scanCuboid(request: storage.ScanCuboidRequest, { signal }: CallContext) {
    for await (const { scan } of this.#scan(request, signal)) yield scan;
  }

  async *scanCuboids(
    requests: AsyncIterable<storage.ScanCuboidsRequest>,
    { signal }: CallContext,
  ): AsyncGenerator<storage.ScanCuboidsResponse, void, undefined> {
    for await (const { scan, ...trace } of requests) {
      yield* servedRequest(scanCuboidPath, trace, () => this.#scan(scan, signal));
    }
  }

  async *#scan(request: storage.ScanCuboidRequest | undefined, signal: AbortSignal) {
    if (request?.plan === undefined) throw badScanPlan('the request has no plan');
    const plan = scanPlanFromProto(request.plan);
    const parameters = scanParametersFromProto(plan, request.parameters);
    let work: storage.ScanWork | undefined;
    const onScanWork = (done: ScanWork) => {
      work = scanWorkToProto(done);
    };
    let held: ColumnBatch | undefined; // The last one goes together with the work.
    for await (const batch of this.#daemon.scan(plan, { parameters, signal, onScanWork })) {
      if (held !== undefined) {
        yield { scan: { batch: recordBatchToProto(held), work: undefined }, last: false };
      }
      held = batch;
    }
    yield { scan: { batch: held && recordBatchToProto(held), work }, last: true };
  }

  async *readSnapshot(request: storage.ReadSnapshotRequest, { signal }: CallContext) {
    const columns = request.columns.map(({ name, type }) => ({
      name,
      type: dataTypeFromProto(type),
    }));
    const read = { snapshot: request.snapshot, columns };
    for await (const batch of this.#daemon.readSnapshot(read, signal)) {
      yield { batch: recordBatchToProto(batch) };
    }
  }

  async prepareIngest({ cube, key, fence }: storage.PrepareIngestRequest) {
    const prepare = () => this.#daemon.prepareIngest(cube, key, fence?.token);
    const { ingest, stagingDirectory } = await this.#guard.run(fence, prepare);
    return { ingest: `ingests/${ingest}`, stagingDirectory };
  }

  async commitIngest(request: storage.CommitIngestRequest) {
    const files = request.files.map(stagedFile);
    const commit = () => this.#daemon.commitIngest(ingestOf(request.ingest), files);
    return { files: await this.#guard.run(request.fence, commit) };
  }

  async abortIngest(request: storage.AbortIngestRequest) {
    const abort = () => this.#daemon.abortIngest(ingestOf(request.ingest));
    await this.#guard.run(request.fence, abort);
    return {};
  }

  async locateFiles({ files }: storage.LocateFilesRequest) {
    return { paths: await this.#daemon.locate(files) };
  }

  async dropLayouts({ files, fence }: storage.DropLayoutsRequest) {
    const drop = () => this.#daemon.drop(files);
    const { deletedFiles, deletedBytes } = await this.#guard.run(fence, drop);
    return { deletedFiles: BigInt(deletedFiles), deletedBytes: BigInt(deletedBytes) };
  }

  async warmUp({ files }: storage.WarmUpRequest, { signal }: CallContext) {
    const layouts = files.flatMap(layoutFile);
    const { loadedFiles, loadedBytes } = await this.#daemon.warmUp(layouts, signal);
    return { loadedFiles, loadedBytes: BigInt(loadedBytes) };
  }

  async pinLayouts({ cube, layouts, pinned }: storage.PinLayoutsRequest) {
    return { pinnedLayouts: [...this.#daemon.pin(cube, layouts, pinned)] };
  }

  async getStats({ cube }: storage.GetStatsRequest) {
    const stats = await this.#daemon.stats(cube === '' ? undefined : cube);
    const upkeep = this.#upkeep.counts();
    return {
      layouts: stats.layouts.map((layout) => ({
        ...layout,
        sizeBytes: BigInt(layout.sizeBytes),
        memoryBytes: BigInt(layout.memoryBytes),
        hitCount: BigInt(layout.hitCount),
        lastHitMicros: layout.lastHit ?? 0n,
      })),
      memoryBytes: BigInt(stats.memoryBytes),
      memoryBudgetBytes: BigInt(stats.memoryBudgetBytes),
      diskBytes: BigInt(stats.diskBytes),
      quarantinedFiles: BigInt(stats.quarantinedFiles),
      hasDeepStorage: this.#transfers.hasDeepStorage,
      scrub: {
        verifiedFiles: BigInt(upkeep.verifiedFiles),
        verifiedBytes: BigInt(upkeep.verifiedBytes),
        damagedFiles: BigInt(upkeep.damagedFiles),
        mendedFiles: BigInt(upkeep.mendedFiles),
        lastRoundMicros: BigInt(upkeep.lastRoundMs) * 1_000n,
      },
    };
  }

  async verifyFiles({ files }: storage.VerifyFilesRequest, { signal }: CallContext) {
    const outcome = await this.#daemon.verify(files, signal);
    return {
      verifiedFiles: BigInt(outcome.verifiedFiles),
      verifiedBytes: BigInt(outcome.verifiedBytes),
      quarantinedFiles: [...outcome.quarantinedFiles],
    };
  }

  async findMissingFiles({ files }: storage.FindMissingFilesRequest) {
    return { missingFiles: await this.#daemon.missing(files) };
  }

  async deleteUnreferenced(request: storage.DeleteUnreferencedRequest) {
    const { referencedFiles, busyCubes, graceMicros } = request;
    const referenced = new Set(referencedFiles);
    const reconcile = () => this.#daemon.reconcile(referenced, graceMicros, busyCubes);
    const { files, bytes, ingests } = await this.#guard.run(request.fence, reconcile);
    return {
      deletedFiles: BigInt(files.length),
      deletedBytes: BigInt(bytes),
      abortedIngests: BigInt(ingests.length),
    };
  }
}

function ingestOf(name: string): string {
  const parts = name.split('/');
  if (parts.length !== 2 || parts[0] !== 'ingests') throw ingestNotFound(name);
  return parts[1]!;
}

const kinds: Readonly<Record<number, StoredFileKind>> = {
  [storage.StoredFileKind.STORED_FILE_KIND_LAYOUT]: 'layout',
  [storage.StoredFileKind.STORED_FILE_KIND_SNAPSHOT]: 'snapshot',
  [storage.StoredFileKind.STORED_FILE_KIND_DICTIONARY]: 'dictionary',
};

function stagedFile(file: storage.IngestFile): StagedFile {
  const { stagedPath, segment, id, fileDigest, sizeBytes, rowCount } = file;
  const kind = kinds[file.kind];
  if (kind === undefined) throw badScanPlan(`${stagedPath} has no kind`);
  return { stagedPath, kind, segment, id, fileDigest, sizeBytes, rowCount };
}

/** Snapshots and dictionaries are read when they are asked for. */
function layoutFile(file: storage.StoredFile): LayoutFile[] {
  if (file.kind !== storage.StoredFileKind.STORED_FILE_KIND_LAYOUT) return [];
  const { cube, segment, id, fileDigest } = file;
  return [{ cube, segment, layout: id, fileDigest }];
}
