import type { Clock } from '@tessera/base';
import { listAll } from '@tessera/client';
import {
  planBuild,
  type Segment,
  type SourceVersion,
  segmentRanges,
  type WantedLayout,
  wantedLayouts,
} from '@tessera/cube';
import type { Engine } from '@tessera/plugin';
import { type Any, scheduler } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import type { SchedulerConfig } from '../config.ts';
import { cubeWithoutCuboids, modelChanged, sourceChanged } from '../errors.ts';
import type { OperationContext, OperationKind } from '../operations/operation.ts';
import type { Plain } from '../operations/plain.ts';
import { plannedCube } from '../plan/plan-operation.ts';
import { type BuildWish, isOfEverything, type SegmentWork, segmentsToBuild } from './decide.ts';
import { buildInputs } from './engine-inputs.ts';
import { type PassOutcome, runEnginePass } from './engine-pass.ts';
import { ensureSnapshots, type SnapshotInUse } from './lookup-snapshots.ts';
import { quarantineMissing } from './missing-layouts.ts';
import { currentVersions, type ObservedCube, observeCube, type Sources } from './observe.ts';
import { publishPass } from './publish.ts';
import { BuildTotals } from './response.ts';
import { RowCoverage } from './row-coverage.ts';
import { readExtent } from './source-extent.ts';
import { dropStaging, stagingKey } from './staging.ts';

export interface BuildDependencies {
  readonly clients: SchedulerClients;
  readonly engine: () => Promise<Engine>;
  readonly registry: Sources;
  readonly config: SchedulerConfig;
  readonly clock: Clock;
}

/** What was decided before anything was built, kept in the journal: a resumed build builds exactly this. */
export interface BuildDecision {
  readonly work: readonly SegmentWork[];
  readonly versions: Readonly<Record<string, SourceVersion>>;
  readonly modelEtag: string;
  readonly cubeEtag: string;
  readonly readAt: bigint;
  /** Rows of the fact, when the build is of all of them and their number is that of `versions`. */
  readonly sourceRows?: bigint;
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
    const { clients, registry, clock } = this.#deps;
    const { record, journal, progress, signal } = context;
    const startedAt = clock.now();
    await quarantineMissing(clients, record.target);
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
    const batches = batchesOf(decision.work, segmentsPerPass(this.#deps.config, layouts));
    progress.update({ stepsTotal: stepCount(cube, batches) });
    const totals = new BuildTotals();
    if (batches.length > 0) {
      const snapshots = await ensureSnapshots(
        clients,
        await this.#deps.engine(),
        cube,
        decision.versions,
        context,
      );
      const coverage = new RowCoverage(decision.sourceRows, batches.length);
      for (const [i, batch] of batches.entries()) {
        totals.add(
          await this.#buildBatch(cube, layouts, decision, batch, i, snapshots, coverage, context),
        );
      }
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
    const { config, clock } = this.#deps;
    const versions = await currentVersions(cube, signal);
    const readAt = clock.now();
    const extent = await readExtent(
      await this.#deps.engine(),
      cube.model,
      cube.sources,
      config.buildMemoryBytes,
      signal,
    );
    const observation = {
      segments: cube.segments,
      ranges: segmentRanges(cube.spec.segments.every, extent, cube.model.timeZone),
      versions,
      layouts: layouts.map(({ id }) => id),
      timeZone: cube.model.timeZone,
    };
    const work = segmentsToBuild(observation, wish);
    const sourceRows = isOfEverything(observation, work, wish) ? extent.rowCount : undefined;
    return {
      work,
      versions,
      modelEtag: cube.modelEtag,
      cubeEtag: cube.etag,
      readAt,
      ...(sourceRows === undefined ? {} : { sourceRows }),
    };
  }

  async #buildBatch(
    cube: ObservedCube,
    layouts: readonly WantedLayout[],
    decision: BuildDecision,
    work: readonly SegmentWork[],
    batch: number,
    snapshots: readonly SnapshotInUse[],
    coverage: RowCoverage,
    context: OperationContext,
  ): Promise<readonly Segment[]> {
    const { clients } = this.#deps;
    const { journal, signal, progress } = context;
    const outcome = (await journal.step(
      `pass-${batch}`,
      () => null,
      async () =>
        (await this.#pass(
          cube,
          layouts,
          work,
          `pass-${batch}`,
          snapshots,
          context,
        )) as unknown as Plain,
    )) as unknown as PassOutcome;
    signal.throwIfAborted();
    if (!journal.isDone(`publish-${batch}`)) await this.#requireSameSource(cube, decision, signal);
    coverage.add(outcome);
    progress.advance({ phase: 'PUBLISH', step: 'publishing segments' });
    const published = await journal.step(
      `publish-${batch}`,
      () => null,
      async () => {
        const input = {
          cube,
          layouts,
          work,
          decision,
          snapshots,
          outcome,
          operation: context.record.name,
        };
        return (await publishPass(clients, input)) as unknown as Plain;
      },
    );
    return published as unknown as readonly Segment[];
  }

  async #pass(
    cube: ObservedCube,
    layouts: readonly WantedLayout[],
    work: readonly SegmentWork[],
    key: string,
    snapshots: readonly SnapshotInUse[],
    context: OperationContext,
  ): Promise<PassOutcome> {
    const { clients, config } = this.#deps;
    const wanted = new Set(work.flatMap((item) => item.layouts));
    const plan = planBuild({
      cube: cube.name,
      model: cube.model,
      segments: work,
      layouts: layouts.filter(({ id }) => wanted.has(id)),
      snapshots: Object.fromEntries(snapshots.map(({ alias, id }) => [alias, id])),
      estimatedRows: rowsOfLayouts(cube.segments),
    });
    const files = new Map(snapshots.map(({ alias, path }) => [alias, path]));
    const pass = {
      cube: cube.name,
      key: stagingKey(context.record.name, key),
      plan,
      inputs: await buildInputs(plan.inputs, cube.sources, files, cube.model, context.signal),
      dictionaries: await newestDictionaries(
        clients,
        cube,
        plan.dictionaries.map(({ name }) => name),
      ),
      memoryLimitBytes: config.buildMemoryBytes,
    };
    context.progress.update({
      phase: 'READ',
      step: `reading ${cube.model.fact.table.table}`,
    });
    return runEnginePass(
      pass,
      clients,
      await this.#deps.engine(),
      context.progress,
      context.signal,
    );
  }

  async #requireSameSource(
    cube: ObservedCube,
    decision: BuildDecision,
    signal: AbortSignal,
  ): Promise<void> {
    const now = await currentVersions(cube, signal);
    for (const [table, version] of Object.entries(decision.versions)) {
      if (version.known && now[table]?.token !== version.token) throw sourceChanged(table);
    }
  }
}

function wishOf(request: Any | undefined): BuildWish {
  const bytes = request?.value ?? new Uint8Array();
  if (request?.typeUrl.endsWith('.RefreshSegmentsRequest')) {
    const { segments, force } = scheduler.RefreshSegmentsRequest.decode(bytes);
    const ids = segments.map((name) => name.slice(name.lastIndexOf('/') + 1));
    return { force, existingOnly: true, ...(ids.length > 0 ? { only: ids } : {}) };
  }
  const { startMicros, endMicros, force } = scheduler.BuildSegmentsRequest.decode(bytes);
  return {
    force,
    existingOnly: false,
    ...(startMicros === undefined ? {} : { start: startMicros }),
    ...(endMicros === undefined ? {} : { end: endMicros }),
  };
}

/** A resumed build goes on only with the model and cube that it was decided for. */
function requireUnchanged(cube: ObservedCube, { modelEtag, cubeEtag }: BuildDecision): void {
  if (cube.modelEtag !== modelEtag || cube.etag !== cubeEtag) throw modelChanged(cube.model.name);
}

function stepCount(cube: ObservedCube, batches: readonly (readonly SegmentWork[])[]): number {
  const files = batches.flat().reduce((sum, { layouts }) => sum + layouts.length, 0);
  return cube.model.lookups.length + files + 2 * batches.length;
}

/** What is kept of a decision in one journal entry: segments with the same layouts share their list. */
function journaledDecision({ work, ...decision }: BuildDecision): Plain {
  const alike = Map.groupBy(work, ({ layouts, keeps }) => JSON.stringify([layouts, keeps]));
  const groups = [...alike.values()].map((items) => ({
    layouts: items[0]!.layouts,
    keeps: items[0]!.keeps,
    segments: items.map(({ id, range }) => ({ id, range })),
  }));
  return { ...decision, groups } as unknown as Plain;
}

function decisionOf(journaled: Plain): BuildDecision {
  const { groups, ...decision } = journaled as unknown as Omit<BuildDecision, 'work'> & {
    readonly groups: readonly (Pick<SegmentWork, 'layouts' | 'keeps'> & {
      readonly segments: readonly Pick<SegmentWork, 'id' | 'range'>[];
    })[];
  };
  const work = groups.flatMap(({ segments, layouts, keeps }) =>
    segments.map((segment) => ({ ...segment, layouts, keeps })),
  );
  return { ...decision, work };
}

/** What a pass gave is one journal entry, which metadata takes up to a size: so many segments fit. */
const journalBytes = 1_000_000;
const bytesPerLayout = 700;
const bytesPerColumn = 250;

function segmentsPerPass(config: SchedulerConfig, layouts: readonly WantedLayout[]): number {
  const bytes = layouts.reduce(
    (sum, { columns }) => sum + bytesPerLayout + bytesPerColumn * columns.length,
    0,
  );
  return Math.max(1, Math.min(config.maxSegmentsPerPass, Math.floor(journalBytes / bytes)));
}

/** Segments that lack the same layouts are built in one pass. */
function batchesOf(work: readonly SegmentWork[], most: number): SegmentWork[][] {
  const alike = Map.groupBy(work, ({ layouts }) => layouts.join());
  return [...alike.values()].flatMap((items) => chunksOf(items, most));
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

function rowsOfLayouts(segments: readonly Segment[]): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  for (const layout of segments.flatMap(({ layouts }) => layouts)) {
    rows.set(layout.id, (rows.get(layout.id) ?? 0) + Number(layout.rowCount));
  }
  return rows;
}

async function newestDictionaries(
  clients: SchedulerClients,
  cube: ObservedCube,
  names: readonly string[],
): Promise<Record<string, string>> {
  if (names.length === 0) return {};
  const { resources } = await listAll(clients, 'dictionaries', {
    parent: `projects/${cube.project}`,
  });
  const newest = new Map<string, (typeof resources)[number]>();
  for (const dictionary of resources) {
    const known = newest.get(dictionary.key);
    if (known === undefined || known.version < dictionary.version)
      newest.set(dictionary.key, dictionary);
  }
  const found = names.flatMap((name) => newest.get(name) ?? []);
  const { paths } = await clients.storage.locateFiles({ files: found.map(({ file }) => file) });
  return Object.fromEntries(found.map(({ key }, i) => [key, paths[i]!]));
}
