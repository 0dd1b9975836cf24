import { type Clock, resourceIdOf } from '@tessera/base';
import type { Model, ModelState, SourceExtent } from '@tessera/cube';
import { externalCatalog, type Logger, SourceRegistry } from '@tessera/daemon';
import type { metadata } from '@tessera/proto';
import type { BindCatalog } from '@tessera/sql';
import { projectNotFound } from '../errors.ts';
import { until } from '../execute/until.ts';
import type { MetadataView } from './metadata-view.ts';
import { followedTables, isReady, ModelResolver, ModelStates } from './model-states.ts';
import { ProjectSources, sameSources } from './project-sources.ts';
import { outdatedSources, readVersions } from './read-versions.ts';
import { type CatalogSnapshot, mayPushDown } from './snapshot.ts';
import { type ReadExtent, SourceExtents } from './source-extents.ts';
import { SourceVersions, type VersionLimits } from './source-versions.ts';

export interface CatalogOptions extends VersionLimits {
  /** Folder for the connectors' temporary files. */
  readonly workDirectory: string;
  /** Where connector packages are looked up when a source's own folder has none. */
  readonly pluginDirectory?: string;
}

interface Project {
  readonly sources: ProjectSources;
  readonly versions: SourceVersions;
  readonly extents: SourceExtents;
  readonly resolver: ModelResolver;
  readonly states: ModelStates;
  /** Those of the sources in `snapshot`. */
  tables?: BindCatalog;
  snapshot?: CatalogSnapshot;
  /** Version of the metadata view that `snapshot` was made from. */
  metadataVersion?: number;
  making?: Making;
}

interface Making {
  readonly startedMs: number;
  readonly snapshot: Promise<CatalogSnapshot>;
}

/** The snapshots that statements are planned against, one project at a time, made anew only when something changed. */
export class Catalog implements AsyncDisposable {
  readonly #metadata: MetadataView;
  readonly #options: CatalogOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #readExtent: ReadExtent;
  readonly #projects = new Map<string, Project>();
  #generation = 0;

  constructor(deps: {
    readonly metadata: MetadataView;
    readonly options: CatalogOptions;
    readonly clock: Clock;
    readonly log: Logger;
    readonly readExtent: ReadExtent;
  }) {
    this.#metadata = deps.metadata;
    this.#options = deps.options;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#readExtent = deps.readExtent;
  }

  /** @throws PROJECT_NOT_FOUND, and the signal's reason when the metadata daemon is away for too long */
  async current(id: string, signal: AbortSignal): Promise<CatalogSnapshot> {
    const askedMs = this.#clock.monotonicMs();
    const known = this.#projects.get(id);
    const { version } = this.#metadata;
    if (known?.snapshot && known.metadataVersion === version && known.versions.isFresh()) {
      return known.snapshot;
    }
    await until(this.#metadata.ready(), signal);
    if (known === undefined && this.#metadata.all('sources', id).length === 0) {
      await this.#metadata.refresh(signal);
      if (this.#metadata.all('sources', id).length === 0) throw projectNotFound(id);
    }
    const project = known ?? this.#open(id);
    for (;;) {
      project.making ??= this.#begin(id, project);
      const { startedMs, snapshot } = project.making;
      const made = await until(snapshot, signal);
      // Sources may be slow: what was begun long before somebody asked is too old for him.
      if (askedMs - startedMs < this.#options.freshnessIntervalMs) return made;
    }
  }

  /** Looks again at metadata and versions, whatever was known. */
  async renew(id: string, signal: AbortSignal): Promise<CatalogSnapshot> {
    await this.#metadata.refresh(signal);
    const project = this.#projects.get(id);
    if (project !== undefined) await this.#expire(project, signal);
    return this.current(id, signal);
  }

  /**
   * As `renew`, and has connectors report their tables again: all of them, or that of one source. For who cannot use a
   * name, or read a table, as the snapshot has it. The snapshot stays the same when nothing has changed.
   */
  async reread(id: string, signal: AbortSignal, source?: string): Promise<CatalogSnapshot> {
    await this.#metadata.refresh(signal);
    const project = this.#projects.get(id);
    if (project !== undefined) {
      const all = this.#metadata.all('sources', id);
      const one = all.filter(({ name }) => resourceIdOf(name) === source);
      await until(project.sources.reread(one.length > 0 ? one : all), signal);
      await this.#expire(project, signal);
    }
    return this.current(id, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { sources } of this.#projects.values()) await sources[Symbol.asyncDispose]();
  }

  /** What is being made may have looked before; what is made next looks again. */
  async #expire(project: Project, signal: AbortSignal): Promise<void> {
    await until(Promise.allSettled([project.making?.snapshot]), signal);
    project.versions.expire();
  }

  #open(id: string): Project {
    const { workDirectory, pluginDirectory } = this.#options;
    const log = this.#log.child({ project: id });
    const registry = new SourceRegistry({
      log,
      workDirectory: `${workDirectory}/${id}`,
      ...(pluginDirectory === undefined ? {} : { fallbackDirectory: pluginDirectory }),
    });
    const project: Project = {
      sources: new ProjectSources(registry, log),
      versions: new SourceVersions(this.#options, this.#clock),
      extents: new SourceExtents(this.#readExtent, log),
      resolver: new ModelResolver(),
      states: new ModelStates(),
    };
    this.#projects.set(id, project);
    return project;
  }

  #begin(id: string, project: Project): Making {
    const snapshot = this.#make(id, project).finally(() => {
      delete project.making;
    });
    return { startedMs: this.#clock.monotonicMs(), snapshot };
  }

  async #make(id: string, project: Project): Promise<CatalogSnapshot> {
    const metadataVersion = this.#metadata.version;
    const seen = this.#resources(id);
    const known = project.metadataVersion === metadataVersion ? project.snapshot : undefined;
    if (known === undefined) await project.sources.follow(seen.sources);
    const changed = await this.#lookAtTables(project, seen);
    if (known !== undefined && !changed && isOf(known, project.sources)) {
      if (!(await project.extents.retry(known))) return known;
    }
    // From here on nobody is given the known one any more, also when making another one fails.
    delete project.metadataVersion;
    project.extents.forgetUnread();
    const snapshot = this.#snapshotOf(id, project, seen);
    project.snapshot = snapshot;
    project.metadataVersion = metadataVersion;
    return snapshot;
  }

  #resources(id: string): Resources {
    return {
      sources: this.#metadata.all('sources', id),
      models: this.#metadata.all('models', id),
      cubes: this.#metadata.all('cubes', id),
      snapshots: this.#metadata.all('snapshots', id),
      revision: this.#metadata.revision,
    };
  }

  /**
   * Asks for the versions of the models' tables, also of models that do not fit their tables now, and reads the tables
   * again of sources whose data are not those that the columns were read from. True when a version has changed.
   */
  async #lookAtTables(project: Project, { models, sources }: Resources): Promise<boolean> {
    const before = project.versions.known();
    const opened = project.sources.current();
    const changed = await project.versions.ask(followedTables(models), opened.sources);
    const outdated = new Set(outdatedSources(opened.sources, before, project.versions.known()));
    // What could not be read may have come back with the change.
    if (changed) for (const name of opened.failures.keys()) outdated.add(name);
    await project.sources.reread(sources.filter(({ name }) => outdated.has(resourceIdOf(name))));
    return changed;
  }

  #snapshotOf(id: string, project: Project, seen: Resources): CatalogSnapshot {
    const { sources, failures } = project.sources.current();
    const before = project.snapshot;
    const known = before !== undefined && isOf(before, project.sources);
    const tables = (known && project.tables) || externalCatalog([...sources.values()]);
    project.tables = tables;
    const resolved = project.resolver.resolve(seen.models, tables);
    const cubes = Map.groupBy(seen.cubes, ({ spec }) => spec?.model ?? '');
    const copies = Map.groupBy(seen.snapshots, (copy) => resourceIdOf(copy.model));
    const snapshot: CatalogSnapshot = {
      project: id,
      revision: seen.revision,
      generation: ++this.#generation,
      sources,
      sourceFailures: failures,
      closedSources: closedSources(seen.sources),
      tables,
      models: resolved.models,
      cubes: new Map([...cubes].map(([model, own]) => [model, own.map(({ name }) => name)])),
      modelFailures: resolved.failures,
      versions: new Map([...readVersions(sources), ...project.versions.known()]),
      stateOf: (model, signal) =>
        this.#stateOf(project, snapshot, model, copies.get(model.name) ?? [], signal),
    };
    return snapshot;
  }

  async #stateOf(
    { extents, states }: Project,
    snapshot: CatalogSnapshot,
    model: Model,
    snapshots: readonly metadata.Snapshot[],
    signal: AbortSignal,
  ): Promise<ModelState> {
    const { segments } = this.#metadata;
    const names = snapshot.cubes.get(model.name) ?? [];
    let sourceExtent: SourceExtent | undefined;
    do {
      await Promise.all(names.map((cube) => segments.load(cube, signal)));
      // Without segments nothing is a hole: everything comes from the source.
      const isBuilt = names.some((cube) => segments.of(cube).some(isReady));
      sourceExtent = isBuilt ? await until(extents.of(model, snapshot), signal) : undefined;
      // Those of a cube may have been forgotten meanwhile, as the watch had to begin anew.
    } while (!names.every((cube) => segments.isHeld(cube)));
    return states.of({
      model,
      cubes: names.map((name) => ({ name, version: segments.versionOf(name) })),
      segmentsOf: (cube) => segments.of(cube),
      snapshots,
      versions: snapshot.versions,
      sourceExtent,
      pushDown: mayPushDown(model, snapshot.closedSources),
    });
  }
}

/** Of one project, at one version of the metadata. */
interface Resources {
  readonly sources: readonly metadata.Source[];
  readonly models: readonly metadata.Model[];
  readonly cubes: readonly metadata.Cube[];
  readonly snapshots: readonly metadata.Snapshot[];
  readonly revision: bigint;
}

function closedSources(sources: readonly metadata.Source[]): ReadonlySet<string> {
  const closed = sources.filter(({ pushDown }) => pushDown === false);
  return new Set(closed.map(({ name }) => resourceIdOf(name)));
}

function isOf(snapshot: CatalogSnapshot, sources: ProjectSources): boolean {
  const { sources: known, sourceFailures: failures } = snapshot;
  return sameSources({ sources: known, failures }, sources.current());
}
