import { createHash } from 'node:crypto';
import { Code, TesseraError } from '@tessera/base';
import type { storage } from '@tessera/proto';
import { type Fence, FenceGuard, type StoredFileKind, storedPath } from '@tessera/storage';
import { type MonthRead, rowsOf } from './source.ts';

/** What a file of the simulation holds. */
export interface Content {
  readonly layout: string;
  readonly reads: readonly MonthRead[];
}

export function digestOf(content: Content): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

export function rowCountOf({ reads }: Pick<Content, 'reads'>): bigint {
  return reads.reduce((sum, read) => sum + rowsOf(read), 0n);
}

export interface Staging {
  readonly cube: string;
  readonly files: Map<string, Content>;
}

/** What survives the death of the storage daemon. */
export class Disk {
  readonly files = new Map<string, { readonly content: Content; changedMs: number }>();
  readonly staging = new Map<string, Staging>();
  tokens: ReadonlyMap<string, bigint> = new Map();

  /** What a layout's file holds: nothing when the layout needs none. Absent when the file is not there. */
  read(file: string): readonly MonthRead[] | undefined {
    return file === '' ? [] : this.files.get(file)?.content.reads;
  }
}

/** The disks of all storage daemons: what none of them has is nowhere. */
export class Disks {
  readonly byName: ReadonlyMap<string, Disk>;

  constructor(names: readonly string[]) {
    this.byName = new Map(names.map((name) => [name, new Disk()]));
  }

  /** As `Disk.read`, of whichever disk has it. */
  read(file: string): readonly MonthRead[] | undefined {
    if (file === '') return [];
    for (const disk of this.byName.values()) {
      const reads = disk.read(file);
      if (reads !== undefined) return reads;
    }
    return undefined;
  }

  /** An engine writes into whatever directory it was given. */
  staging(directory: string): Staging | undefined {
    return [...this.byName.values()].map((disk) => disk.staging.get(directory)).find(Boolean);
  }
}

export interface FakeStorageOptions {
  /** Of the daemon: tells its staging directories from those of others. */
  readonly name: string;
  readonly disk: Disk;
  readonly nowMs: () => number;
  /** Reads a file of another daemon, by its address. Absent: it is not there. */
  readonly readPeer: (address: string, file: string) => Promise<Content | undefined>;
}

export interface FakeStorage {
  readonly storage: Partial<storage.StorageServiceImplementation>;
  readonly transfers: Partial<storage.TransferServiceImplementation>;
}

/**
 * Stands for a storage daemon: takes files in by digest, keeps them by content, copies them from others, deletes what was seen
 * unnamed for the grace time. The fencing is the real one.
 */
export async function fakeStorage(options: FakeStorageOptions): Promise<FakeStorage> {
  const { name, disk, nowMs, readPeer } = options;
  const guard = await FenceGuard.open({
    read: async () => disk.tokens,
    write: async (tokens) => {
      disk.tokens = tokens;
    },
  });
  const unnamed = new Map<string, number>();
  const stagingOf = (ingest: string) => {
    const staging = disk.staging.get(ingest);
    if (staging === undefined) throw failure('INGEST_NOT_FOUND', ingest);
    return staging;
  };
  const fenced = <T>(fence: Fence | undefined, work: () => T) =>
    guard.run(fence, async () => work());
  const pull = async (file: string, sources: readonly string[]): Promise<boolean> => {
    if (!disk.files.has(file)) {
      const content = await firstOf(sources, (address) => readPeer(address, file));
      if (content === undefined) throw failure('FILE_IN_NO_SOURCE', file);
      disk.files.set(file, { content, changedMs: nowMs() });
    }
    unnamed.delete(file);
    return true;
  };
  const calls: Partial<storage.StorageServiceImplementation> = {
    prepareIngest: ({ cube, key, fence }) =>
      fenced(fence, () => {
        const ingest = `ingests/${key}-${fence?.token}-${name}`;
        if (!disk.staging.has(ingest)) disk.staging.set(ingest, { cube, files: new Map() });
        return { ingest, stagingDirectory: ingest };
      }),
    commitIngest: ({ ingest, files, fence }) =>
      fenced(fence, () => {
        const { cube, files: staged } = stagingOf(ingest);
        const targets = files.map((file) => ({ file, target: pathOf(cube, file) }));
        for (const { file, target } of targets) {
          const content = staged.get(file.stagedPath) ?? disk.files.get(target)?.content;
          const fits =
            content !== undefined &&
            digestOf(content) === file.fileDigest &&
            rowCountOf(content) === file.rowCount;
          if (!fits) throw failure('INGEST_MISMATCH', file.stagedPath);
          disk.files.set(target, { content, changedMs: nowMs() });
          unnamed.delete(target);
        }
        staged.clear();
        return {
          files: targets.map(({ file, target }) => ({ file: target, fileDigest: file.fileDigest })),
        };
      }),
    abortIngest: ({ ingest, fence }) =>
      fenced(fence, () => {
        disk.staging.delete(ingest);
        return {};
      }),
    locateFiles: async ({ files }) => {
      for (const file of files) if (!disk.files.has(file)) throw failure('FILE_NOT_STORED', file);
      return { paths: [...files] };
    },
    findMissingFiles: async ({ files }) => ({
      missingFiles: files.filter((file) => !disk.files.has(file)),
    }),
    warmUp: async ({ files }) => ({ loadedFiles: files.length }),
    deleteUnreferenced: ({ referencedFiles, busyCubes, graceMicros, fence }) =>
      fenced(fence, () => {
        if (busyCubes.length > 0) return {};
        const named = new Set(referencedFiles);
        const graceMs = Number(graceMicros / 1000n);
        let deleted = 0n;
        for (const [file, { changedMs }] of disk.files) {
          if (named.has(file)) {
            unnamed.delete(file);
            continue;
          }
          const sinceMs = unnamed.get(file) ?? nowMs();
          unnamed.set(file, sinceMs);
          if (nowMs() - Math.max(sinceMs, changedMs) < graceMs) continue;
          disk.files.delete(file);
          unnamed.delete(file);
          deleted++;
        }
        return { deletedFiles: deleted };
      }),
  };
  return {
    storage: calls,
    transfers: {
      pullFiles: async function* ({ files, sources, fence }) {
        await guard.run(fence, async () => {
          for (const { file } of files) await pull(file, sources);
        });
        yield { pulledFiles: BigInt(files.length) };
      },
      storeDeep: async function* () {
        yield* refuse('DEEP_STORAGE_NOT_CONFIGURED');
      },
      scrubDeep: async function* () {
        yield* refuse('DEEP_STORAGE_NOT_CONFIGURED');
      },
      deleteUnreferencedDeep: async () => {
        throw failure('DEEP_STORAGE_NOT_CONFIGURED', name);
      },
    },
  };
}

/** What the first of the sources gives that gives anything. */
async function firstOf<T>(
  sources: readonly string[],
  ask: (source: string) => Promise<T | undefined>,
): Promise<T | undefined> {
  for (const source of sources) {
    const given = await ask(source).catch(() => undefined);
    if (given !== undefined) return given;
  }
  return undefined;
}

// biome-ignore lint/correctness/useYield: a stream that fails before its first message
function* refuse(reason: string): Generator<never> {
  throw failure(reason, 'nothing');
}

function pathOf(cube: string, { segment, id, fileDigest }: storage.IngestFile): string {
  return storedPath({ kind: 'layout' satisfies StoredFileKind, cube, segment, id, fileDigest });
}

function failure(reason: string, what: string): TesseraError {
  return new TesseraError({ code: Code.ABORTED, reason, message: `${reason}: ${what}.` });
}
