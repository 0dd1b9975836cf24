import { listAll } from '@tessera/client';
import { mergesDue } from '@tessera/cube';
import { type Any, scheduler } from '@tessera/proto';
import type { OperationContext, OperationKind } from '../operations/operation.ts';
import type { BuildDependencies } from './build-operation.ts';
import { retireSegments } from './drop-operation.ts';
import { expiredSegments, isRetiredBefore } from './maintenance-due.ts';
import { mergeSegments } from './merge-operation.ts';
import { type ObservedCube, observeCube } from './observe.ts';

const responseType = 'type.googleapis.com/tessera.scheduler.v1.RunMaintenanceResponse';

/** Does what falls due by the cubes' rules: merges, retention, and files that nobody refers to any more. */
export class MaintenanceOperation implements OperationKind {
  readonly kind = 'maintenance';
  readonly #deps: BuildDependencies;

  constructor(deps: BuildDependencies) {
    this.#deps = deps;
  }

  async run(context: OperationContext): Promise<Any> {
    const { clients, registry } = this.#deps;
    const { record, progress, signal } = context;
    const request = scheduler.RunMaintenanceRequest.decode(record.request!.value);
    const cubes = request.cube
      ? [request.cube]
      : (await listAll(clients, 'cubes', { parent: 'projects/-' })).resources.map(
          ({ name }) => name,
        );
    const merged: string[] = [];
    const retired: string[] = [];
    for (const name of cubes) {
      signal.throwIfAborted();
      progress.advance({ phase: 'MERGE', step: name });
      const cube = await observeCube(clients, registry, name);
      const expired = expiredSegments(
        cube.segments,
        cube.spec.segments.retain,
        cube.model.timeZone,
      );
      await retireSegments(this.#deps, cube, expired, record.name);
      retired.push(...expired);
      merged.push(...(await this.#merge(cube, expired, context)));
    }
    const deleted = await this.#deleteRetired(cubes);
    const response = scheduler.RunMaintenanceResponse.fromPartial({
      mergedSegments: merged,
      retiredSegments: retired,
      ...deleted,
    });
    const value = Buffer.from(scheduler.RunMaintenanceResponse.encode(response).finish());
    return { typeUrl: responseType, value };
  }

  async cleanUp(): Promise<void> {}

  async #merge(
    cube: ObservedCube,
    expired: readonly string[],
    context: OperationContext,
  ): Promise<string[]> {
    const left = cube.segments.filter(({ id }) => !expired.includes(id));
    const merges = mergesDue(left, cube.spec.segments.autoMerge, cube.model.timeZone);
    for (const merge of merges) await mergeSegments(this.#deps, cube, merge, context);
    return merges.map(({ id }) => `${cube.name}/segments/${id}`);
  }

  /** Retired segments go after the grace time, and with them the files that no other segment has. */
  async #deleteRetired(
    cubes: readonly string[],
  ): Promise<{ deletedFiles: bigint; deletedBytes: bigint }> {
    const { clients, clock, config, leadership } = this.#deps;
    const before = clock.now() - BigInt(config.retiredGraceMs) * 1000n;
    const files = new Set<string>();
    for (const parent of cubes) {
      const { resources } = await listAll(clients, 'segments', { parent });
      const old = resources.filter((segment) => isRetiredBefore(segment, before));
      const gone = new Set(old.map(({ name }) => name));
      for (const segment of old) {
        await clients.segments.deleteSegment({
          name: segment.name,
          etag: segment.etag,
          allowMissing: true,
          fence: leadership.fence(),
        });
      }
      const kept = new Set(
        resources
          .filter(({ name }) => !gone.has(name))
          .flatMap(({ layouts }) => layouts.map(({ file }) => file)),
      );
      for (const { file } of old.flatMap(({ layouts }) => layouts))
        if (!kept.has(file)) files.add(file);
    }
    if (files.size === 0) return { deletedFiles: 0n, deletedBytes: 0n };
    return clients.storage.dropLayouts({ files: [...files] });
  }
}
