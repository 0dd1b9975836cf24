import { cubeSpecFromProto, listAll } from '@tessera/client';
import { mergesDue } from '@tessera/cube';
import { type Any, scheduler } from '@tessera/proto';
import type { OperationContext, OperationKind } from '../operations/operation.ts';
import type { BuildDependencies } from './build-operation.ts';
import { collectGarbage } from './collect-garbage.ts';
import { retireSegments } from './drop-operation.ts';
import { expiredSegments } from './maintenance-due.ts';
import { isMergeStep, mergeSegments } from './merge-operation.ts';
import { quarantineMissing } from './missing-layouts.ts';
import { observeCube, observeSegments } from './observe.ts';
import { dropStaging } from './staging.ts';

const responseType = 'type.googleapis.com/tessera.scheduler.v1.RunMaintenanceResponse';

/**
 * Does what falls due by the cubes' rules: damaged layouts are set aside, old segments retired, neighbours merged, and
 * what nobody refers to any more is deleted. A cube that fails does not keep the others from being done; then the
 * operation ends with the first failure.
 */
export class MaintenanceOperation implements OperationKind {
  readonly kind = 'maintenance';
  readonly #deps: BuildDependencies;

  constructor(deps: BuildDependencies) {
    this.#deps = deps;
  }

  async run(context: OperationContext): Promise<Any> {
    const { record, progress, signal } = context;
    const done = { merged: [] as string[], retired: [] as string[] };
    const failures: unknown[] = [];
    for (const name of await this.#cubes(context)) {
      signal.throwIfAborted();
      progress.advance({ phase: 'MERGE', step: name });
      try {
        await quarantineMissing(this.#deps.store, name);
        done.retired.push(...(await this.#retire(name, record.name)));
        done.merged.push(...(await this.#merge(name, context)));
      } catch (error) {
        signal.throwIfAborted();
        failures.push(error);
      }
    }
    const deleted = await collectGarbage(this.#deps, record.name);
    if (failures.length > 0) throw failures[0];
    const response = scheduler.RunMaintenanceResponse.fromPartial({
      mergedSegments: done.merged,
      retiredSegments: done.retired,
      ...deleted,
    });
    const value = Buffer.from(scheduler.RunMaintenanceResponse.encode(response).finish());
    return { typeUrl: responseType, value };
  }

  async cleanUp(context: OperationContext): Promise<void> {
    const { journal, record } = context;
    const steps = journal.steps.filter(isMergeStep);
    if (steps.length === 0) return;
    for (const cube of await this.#cubes(context)) {
      await dropStaging(this.#deps.clients, cube, record.name, steps);
    }
  }

  async #cubes({ record }: OperationContext): Promise<readonly string[]> {
    const { cube } = scheduler.RunMaintenanceRequest.decode(record.request!.value);
    if (cube !== '') return [cube];
    const { resources } = await listAll(this.#deps.clients, 'cubes', { parent: 'projects/-' });
    return resources.map(({ name }) => name);
  }

  async #retire(name: string, operation: string): Promise<string[]> {
    const { clients, clock } = this.#deps;
    const { retain, zone: timeZone } = await rulesOf(clients, name);
    const seen = await observeSegments(clients, name);
    const expired = expiredSegments(seen.segments, { retain, timeZone, now: clock.now() });
    await retireSegments(this.#deps, seen, expired, operation);
    return expired.map((id) => `${name}/segments/${id}`);
  }

  /** Only a cube that has something to merge needs its sources. */
  async #merge(name: string, context: OperationContext): Promise<string[]> {
    const { clients, registry } = this.#deps;
    const { autoMerge, zone } = await rulesOf(clients, name);
    const { segments } = await observeSegments(clients, name);
    const merges = mergesDue(segments, autoMerge, zone);
    if (merges.length === 0) return [];
    const cube = await observeCube(clients, registry, name);
    for (const merge of merges) await mergeSegments(this.#deps, cube, merge, context);
    return merges.map(({ id }) => `${name}/segments/${id}`);
  }
}

async function rulesOf(clients: BuildDependencies['clients'], name: string) {
  const cube = await clients.cubes.getCube({ name });
  const { model, segments } = cubeSpecFromProto(cube.spec);
  const [project] = name.split('/cubes/');
  const { spec } = await clients.models.getModel({ name: `${project}/models/${model}` });
  return { ...segments, zone: spec?.timeZone || 'UTC' };
}
