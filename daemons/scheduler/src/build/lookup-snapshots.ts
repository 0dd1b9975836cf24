import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { resourceIdOf } from '@tessera/base';
import { layoutColumnToProto, listAll } from '@tessera/client';
import type { Lookup, SourceVersion } from '@tessera/cube';
import type { Engine } from '@tessera/plugin';
import { storage } from '@tessera/proto';
import type { OperationContext } from '../operations/operation.ts';
import type { BuildStore } from '../replicas/build-store.ts';
import { pulledFile } from '../replicas/items.ts';
import { engineInput } from './engine-inputs.ts';
import { type ObservedCube, tableKey } from './observe.ts';
import { stagingKey } from './staging.ts';

/** A snapshot that a build uses: its id, and the absolute path of its file. */
export interface SnapshotInUse {
  readonly alias: string;
  readonly id: string;
  readonly path: string;
}

/**
 * The id of the copy of a lookup at one version: the same version is copied once. A version that the connector
 * cannot tell is copied for each build.
 */
export function snapshotId(
  model: string,
  lookup: Lookup,
  version: SourceVersion,
  build: string,
): string {
  const content = JSON.stringify([
    lookup.table,
    lookup.columns,
    lookup.keys.map(({ column }) => column),
    version.known ? version.token : build,
  ]);
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 16);
  return `${model}-${lookup.alias}-${digest}`.slice(-128).replace(/^[^a-z0-9]+/, '');
}

/** Copies the lookups whose version has no copy yet and publishes the copies; each lookup is one journaled step. */
export async function ensureSnapshots(
  store: BuildStore,
  engine: Engine,
  cube: ObservedCube,
  versions: Readonly<Record<string, SourceVersion>>,
  context: OperationContext,
): Promise<SnapshotInUse[]> {
  const { clients } = store;
  const wanted = cube.model.lookups.map((lookup) => {
    const version = versions[tableKey(lookup.table)]!;
    const build = resourceIdOf(context.record.name);
    return { lookup, version, id: snapshotId(cube.model.name, lookup, version, build) };
  });
  const { resources } = await listAll(clients, 'snapshots', { parent: `projects/${cube.project}` });
  const ids = new Set(wanted.map(({ id }) => id));
  const copies = resources.filter(({ name }) => ids.has(resourceIdOf(name)));
  const lost = await store.fetch(copies.map(pulledFile), context.signal);
  const known = new Map(
    copies
      .filter(({ file }) => !lost.has(file)) // Damaged or lost: copied again.
      .map((snapshot) => [resourceIdOf(snapshot.name), snapshot.file]),
  );
  const inUse: SnapshotInUse[] = [];
  for (const { lookup, version, id } of wanted) {
    context.progress.advance({ phase: 'SNAPSHOT', step: `copying lookup ${lookup.alias}` });
    const copied = known.get(id);
    if (copied !== undefined) await context.journal.finish(`snapshot-${id}`, copied);
    const file =
      copied ?? (await takeSnapshot(store, engine, cube, lookup, { id, version }, context));
    const { paths } = await clients.storage.locateFiles({ files: [file] });
    inUse.push({ alias: lookup.alias, id, path: paths[0]! });
  }
  return inUse;
}

async function takeSnapshot(
  store: BuildStore,
  engine: Engine,
  cube: ObservedCube,
  lookup: Lookup,
  wanted: { readonly id: string; readonly version: SourceVersion },
  context: OperationContext,
): Promise<string> {
  const { journal, signal } = context;
  const { clients } = store;
  return journal.step(
    `snapshot-${wanted.id}`,
    () => ({ id: wanted.id, token: wanted.version.token, known: wanted.version.known }),
    async ({ id, token, known }) => {
      const { ingest, stagingDirectory } = await clients.storage.prepareIngest({
        cube: cube.name,
        key: stagingKey(context.record.name, id),
      });
      const staged = 'snapshot.parquet';
      const keys = lookup.keys.map(({ column }) => column);
      const columns = lookup.columns.map(({ name, type }) => ({
        name,
        type,
        role: 'dimension' as const,
      }));
      const made = await engine.snapshot(
        {
          alias: lookup.alias,
          input: await engineInput(cube.sources, lookup.table, signal),
          columns,
          keys,
          outputFile: join(stagingDirectory, staged),
        },
        signal,
      );
      const committed = await clients.storage.commitIngest({
        ingest,
        files: [
          {
            stagedPath: staged,
            kind: storage.StoredFileKind.STORED_FILE_KIND_SNAPSHOT,
            id,
            fileDigest: made.fileDigest,
            sizeBytes: made.sizeBytes,
            rowCount: made.rowCount,
          },
        ],
      });
      const { file } = committed.files[0]!;
      const name = `projects/${cube.project}/snapshots/${id}`;
      const replicas = await spread(store, { ...made, name, file }, signal);
      await clients.snapshots.updateSnapshot({
        allowMissing: true,
        snapshot: {
          name,
          replicas: [...replicas],
          model: cube.modelName,
          alias: lookup.alias,
          source: lookup.table.source,
          table: lookup.table.table,
          sourceVersion: { known, token },
          file,
          fileDigest: made.fileDigest,
          checksum: made.checksum,
          rowCount: made.rowCount,
          sizeBytes: made.sizeBytes,
          rejectedRows: made.rejectedRows,
          columns: lookup.columns.map(({ name, type }) =>
            layoutColumnToProto({ name, type, role: 'dimension' }),
          ),
          keys,
        },
      });
      return file;
    },
  );
}

/** Copies a new snapshot to all nodes; returns those that hold it. */
async function spread(
  store: BuildStore,
  made: {
    readonly name: string;
    readonly file: string;
    readonly fileDigest: string;
    readonly sizeBytes: bigint;
  },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { name, sizeBytes } = made;
  const item = {
    name,
    kind: 'snapshot' as const,
    files: [pulledFile(made)],
    bytes: Number(sizeBytes),
    recorded: [],
    replication: store.replication,
    toWarm: [],
  };
  return (await store.spread([item], signal)).get(name) ?? [];
}
