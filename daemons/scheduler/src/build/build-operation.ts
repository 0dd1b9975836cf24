import type { Clock } from '@tessera/base';
import { type Segment, segmentRanges, type WantedLayout, wantedLayouts } from '@tessera/cube';
import type { Engine } from '@tessera/plugin';
import type { Any } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import type { SchedulerConfig } from '../config.ts';
import { cubeWithoutCuboids, modelChanged, sourceChanged } from '../errors.ts';
import type { OperationContext, OperationKind } from '../operations/operation.ts';
import type { Plain } from '../operations/plain.ts';
import { plannedCube } from '../plan/plan-operation.ts';
import type { BuildStore } from '../replicas/build-store.ts';
import { planOf, readsSource } from './batch-plan.ts';
import { batchesOf, segmentsPerPass } from './batches.ts';
import {
  type BuildWish,
  type CubeObservation,
  isOfEverything,
  type SegmentWork,
  segmentsToBuild,
} from './decide.ts';
import { type BuildDecision, decisionOf, journaledDecision, wishOf } from './decision.ts';
import { buildInputs } from './engine-inputs.ts';
import { nothingRead, type PassOutcome, runEnginePass } from './engine-pass.ts';
import { ensureSnapshots, type SnapshotInUse } from './lookup-snapshots.ts';
import { quarantineMissing } from './missing-layouts.ts';
import { newestDictionaries } from './newest-dictionaries.ts';
import { currentVersions, type ObservedCube, observeCube, type Sources } from './observe.ts';
import { outcomeHere } from './outcome-here.ts';
import { isOfSource, publishPass, replacedBy } from './publish.ts';
import { BuildTotals } from './response.ts';
import { RowCoverage } from './row-coverage.ts';
import { type FactExtent, readExtent, unknownExtent } from './source-extent.ts';
import { dropStaging, stagingKey } from './staging.ts';
import { storedParents } from './stored-parents.ts';

export interface BuildDependencies {
  /** Those of `store`. */
  readonly clients: SchedulerClients;
  readonly store: BuildStore;
  readonly engine: () => Promise<Engine>;
  readonly registry: Sources;
  readonly config: SchedulerConfig;
  readonly clock: Clock;
}

/** What a build sees of its source; with the failure when it could not be read. */
interface SourceNow extends Pick<CubeObservation, 'versions' | 'ranges'> {
  readonly extent: FactExtent;
  readonly failure?: unknown;
}

/** What all batches of one build stand on. */
interface BuildRun {
  readonly cube: ObservedCube;
  readonly layouts: readonly WantedLayout[];
  readonly decision: BuildDecision;
  readonly snapshots: readonly SnapshotInUse[];
  readonly coverage: RowCoverage;
  readonly context: OperationContext;
}

/**
 * Builds segments: decide what, copy the lookups, then for each batch of segments one engine pass, ingest, warm-up
 * and one publishing transaction. Serves `build` (what is missing or stale in a range) and `refresh` (what is stale of what exists).
 */
export class BuildOperation implements OperationKind {
  readonly kind: 'build' | 'refresh';
  readonly #deps: BuildDependencies;

  constructor(kind: 'build' | 'refresh', deps: BuildDependencies) {
    this.kind = kind;
    this.#deps = deps;
  }

  async run(context: OperationContext): Promise<Any> {
    const { clients, store, registry, clock } = this.#deps;
    const { record, journal, progress, signal } = context;
    const startedAt = clock.now();
    await quarantineMissing(store, record.target);
    const observed = await observeCube(clients, registry, record.target);
    const cube = await plannedCube(this.#deps, observed, context);
    const layouts = wantedLayouts(cube.model, cube.spec, cube.planned);
    if (layouts.length === 0) throw cubeWithoutCuboids(record.target);
    const journaled = await journal.step(
      'decide',
      () => null,
      async () =>
        journaledDecision(await this.#decide(cube, layouts, wishOf(record.request), signal)),
    );
    const decision = decisionOf(journaled);
    requireUnchanged(cube, decision);
    const batches = batchesOf(
      decision.work,
      segmentsPerPass(this.#deps.config.maxSegmentsPerPass, layouts),
    );
    progress.update({ stepsTotal: stepCount(cube, batches) });
    const totals = new BuildTotals();
    const snapshots = batches.some((batch) => readsSource(cube, layouts, batch))
      ? await this.#snapshots(cube, decision, context)
      : [];
    const coverage = new RowCoverage(decision.sourceRows, batches.length);
    const run = { cube, layouts, decision, snapshots, coverage, context };
    for (const [i, batch] of batches.entries()) {
      totals.add(await this.#buildBatch(run, batch, i), replacedBy(batch));
    }
    return totals.packed(clock.now() - startedAt);
  }

  async cleanUp({ record, journal }: OperationContext): Promise<void> {
    const staged = journal.steps.filter((step) => /^(pass|snapshot)-/.test(step));
    const steps = staged.map((step) => step.replace(/^snapshot-/, ''));
    await dropStaging(this.#deps.clients, record.target, record.name, steps);
  }

  async #decide(
    cube: ObservedCube,
    layouts: readonly WantedLayout[],
    wish: BuildWish,
    signal: AbortSignal,
  ): Promise<BuildDecision> {
    const readAt = this.#deps.clock.now();
    const source = await this.#sourceNow(cube, wish, signal);
    const observation = {
      ...source,
      segments: cube.segments,
      layouts: layouts.map(({ id }) => id),
      timeZone: cube.model.timeZone,
    };
    const work = segmentsToBuild(observation, wish);
    const { versions, extent, failure } = source;
    if (failure !== undefined && !isFromStored(cube, layouts, work)) throw failure;
    const sourceRows = isOfEverything(observation, work, wish) ? extent.rowCount : undefined;
    return {
      work,
      versions,
      modelEtag: cube.modelEtag,
      cubeEtag: cube.etag,
      readAt,
      rejectedRows: extent.rejectedRows,
      ...(sourceRows === undefined ? {} : { sourceRows }),
    };
  }

  /** A model that answers as of its builds may lack its source: then nothing is new in it, and nothing stale. */
  async #sourceNow(cube: ObservedCube, wish: BuildWish, signal: AbortSignal): Promise<SourceNow> {
    try {
      const versions = await currentVersions(cube, signal);
      const { every, autoMerge } = cube.spec.segments;
      const { model, sources } = cube;
      const task = { model, sources, every, memoryLimitBytes: this.#deps.config.buildMemoryBytes };
      const extent = await readExtent(await this.#deps.engine(), task, signal);
      const ranges = segmentRanges(every, extent, model.timeZone, { autoMerge, ...wish });
      return { versions, extent, ranges };
    } catch (failure) {
      if (cube.model.freshness !== 'built' || signal.aborted) throw failure;
      return { versions: {}, extent: unknownExtent, ranges: [], failure };
    }
  }

  async #snapshots(
    cube: ObservedCube,
    { versions }: BuildDecision,
    context: OperationContext,
  ): Promise<SnapshotInUse[]> {
    const engine = await this.#deps.engine();
    return ensureSnapshots(this.#deps.store, engine, cube, versions, context);
  }

  async #buildBatch(
    run: BuildRun,
    work: readonly SegmentWork[],
    batch: number,
  ): Promise<readonly Segment[]> {
    const { store } = this.#deps;
    const { coverage, context, ...pass } = run;
    const { journal, signal, progress, record } = context;
    const outcome = await outcomeHere<PassOutcome>(store, context, {
      step: `pass-${batch}`,
      needed: () => !journal.isDone(`publish-${batch}`),
      filesOf: ({ layouts, dictionaries }) => [...layouts, ...dictionaries],
      take: (step) => this.#pass(run, work, step),
    });
    signal.throwIfAborted();
    const ofSource = work.some((item) => isOfSource(item, outcome));
    if (ofSource && !journal.isDone(`publish-${batch}`)) await this.#requireSameSource(run);
    coverage.add(outcome);
    progress.advance({ phase: 'PUBLISH', step: 'publishing segments' });
    const published = await journal.step(
      `publish-${batch}`,
      () => null,
      async () => {
        const input = { ...pass, work, outcome, operation: record.name };
        return (await publishPass(store, input, signal)) as unknown as Plain;
      },
    );
    return published as unknown as readonly Segment[];
  }

  async #pass(run: BuildRun, work: readonly SegmentWork[], key: string): Promise<PassOutcome> {
    const { cube, layouts, decision, snapshots, context } = run;
    const { clients, store, config } = this.#deps;
    const plan = planOf(cube, layouts, work, snapshots);
    if (plan === undefined) return nothingRead(decision.rejectedRows);
    const files = new Map(snapshots.map(({ alias, path }) => [alias, path]));
    const pass = {
      cube: cube.name,
      key: stagingKey(context.record.name, key),
      plan,
      inputs: await buildInputs(plan.inputs, cube.sources, files, cube.model, context.signal),
      dictionaries: await newestDictionaries(
        store,
        cube,
        plan.dictionaries.map(({ name }) => name),
        context.signal,
      ),
      stored: await storedParents(store, plan, cube.segments, context.signal),
      memoryLimitBytes: config.buildMemoryBytes,
    };
    const read = plan.inputs.length === 0 ? 'stored layouts' : cube.model.fact.table.table;
    context.progress.update({ phase: 'READ', step: `reading ${read}` });
    return runEnginePass(
      pass,
      clients,
      await this.#deps.engine(),
      context.progress,
      context.signal,
    );
  }

  async #requireSameSource({ cube, decision, context }: BuildRun): Promise<void> {
    const now = await currentVersions(cube, context.signal);
    for (const [table, version] of Object.entries(decision.versions)) {
      if (version.known && now[table]?.token !== version.token) throw sourceChanged(table);
    }
  }
}

/** True when there is something to make, and none of it needs the source. */
function isFromStored(
  cube: ObservedCube,
  layouts: readonly WantedLayout[],
  work: readonly SegmentWork[],
): boolean {
  const batches = batchesOf(work, work.length);
  return work.length > 0 && !batches.some((batch) => readsSource(cube, layouts, batch));
}

/** A resumed build goes on only with the model and cube that it was decided for. */
function requireUnchanged(cube: ObservedCube, { modelEtag, cubeEtag }: BuildDecision): void {
  if (cube.modelEtag !== modelEtag || cube.etag !== cubeEtag) throw modelChanged(cube.model.name);
}

function stepCount(cube: ObservedCube, batches: readonly (readonly SegmentWork[])[]): number {
  const filled = batches.flat().filter(({ empty }) => !empty);
  const files = filled.reduce((sum, { layouts }) => sum + layouts.length, 0);
  return cube.model.lookups.length + files + 2 * batches.length;
}
