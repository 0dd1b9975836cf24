import {
  type Clock,
  Code,
  isTesseraError,
  messageOf,
  resourceIdOf,
  TesseraError,
} from '@tessera/base';
import { cubeSpecFromProto } from '@tessera/client';
import type { Model, SourceExtent } from '@tessera/cube';
import {
  externalCatalog,
  type Logger,
  type OpenSource,
  type SourceDescription,
  SourceRegistry,
} from '@tessera/daemon';
import { projectNotFound } from '../errors.ts';
import { until } from '../execute/until.ts';
import type { MetadataView } from './metadata-view.ts';
import { modelStates, readySegments, resolveModels } from './model-states.ts';
import { type CatalogSnapshot, tableKey, tablesOf } from './snapshot.ts';
import { SourceVersions, type VersionLimits } from './source-versions.ts';
import { unreadable } from './staleness.ts';

export interface CatalogOptions extends VersionLimits {
  /** Folder for the connectors' temporary files. */
  readonly workDirectory: string;
  /** Where connector packages are looked up when a source's own folder has none. */
  readonly pluginDirectory?: string;
}

/** Begin and end of the fact's partition column, read from the source. */
export type ReadExtent = (model: Model, snapshot: CatalogSnapshot) => Promise<SourceExtent>;

interface Project {
  readonly registry: SourceRegistry;
  readonly versions: SourceVersions;
  readonly extents: Map<string, SourceExtent>;
  snapshot?: CatalogSnapshot;
  /** Version of the metadata view that `snapshot` was made from. */
  metadataVersion?: number;
  making?: Promise<CatalogSnapshot>;
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
    project.making ??= this.#make(id, project).finally(() => {
      delete project.making;
    });
    return until(project.making, signal);
  }

  /** Looks again at metadata, tables and versions, whatever was known: after a name was not found, or a read failed. */
  async renew(id: string, signal: AbortSignal): Promise<CatalogSnapshot> {
    await this.#metadata.refresh(signal);
    const project = this.#projects.get(id);
    project?.versions.expire();
    return this.current(id, signal);
  }

  /** Has every connector report its tables again. */
  async reread(id: string, signal: AbortSignal): Promise<CatalogSnapshot> {
    const snapshot = await this.current(id, signal);
    const project = this.#projects.get(id)!;
    for (const { description } of snapshot.sources.values()) {
      await until(
        project.registry.refresh(description).catch(() => undefined),
        signal,
      );
    }
    delete project.metadataVersion;
    return this.current(id, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { registry } of this.#projects.values()) await registry[Symbol.asyncDispose]();
  }

  #open(id: string): Project {
    const { workDirectory, pluginDirectory } = this.#options;
    const registry = new SourceRegistry({
      log: this.#log.child({ project: id }),
      workDirectory: `${workDirectory}/${id}`,
      ...(pluginDirectory === undefined ? {} : { fallbackDirectory: pluginDirectory }),
    });
    const versions = new SourceVersions(this.#options, this.#clock);
    const project: Project = { registry, versions, extents: new Map() };
    this.#projects.set(id, project);
    return project;
  }

  async #make(id: string, project: Project): Promise<CatalogSnapshot> {
    const metadataVersion = this.#metadata.version;
    const same = project.metadataVersion === metadataVersion;
    if (same && project.snapshot !== undefined) {
      const { snapshot } = project;
      if (!(await this.#askVersions(project, snapshot))) return snapshot;
      await this.#reopenChanged(project, snapshot);
    }
    const resources = {
      models: this.#metadata.all('models', id),
      cubes: this.#metadata.all('cubes', id),
      segments: this.#metadata.all('segments', id),
      snapshots: this.#metadata.all('snapshots', id),
    };
    const revision = this.#metadata.revision;
    const { sources, failures } = await this.#openSources(id, project);
    const tables = externalCatalog([...sources.values()]);
    const resolved = resolveModels(resources.models, tables);
    const segments = readySegments(resources.segments);
    const bare: CatalogSnapshot = {
      project: id,
      revision,
      generation: ++this.#generation,
      sources,
      sourceFailures: failures,
      closedSources: this.#closedSources(id),
      tables,
      models: resolved.models.map((model) => ({
        model,
        cubes: [],
        snapshots: new Map(),
        pushDown: true,
      })),
      modelFailures: resolved.failures,
      versions: project.versions.known(),
    };
    if (!same || !project.versions.isFresh()) await this.#askVersions(project, bare);
    const versions = project.versions.known();
    const built = new Set(
      resources.cubes
        .filter(({ name }) => (segments.get(name) ?? []).length > 0)
        .map(({ spec }) => cubeSpecFromProto(spec).model),
    );
    const extents = await this.#extents(project, bare, built);
    const models = modelStates(resolved.models, {
      cubes: resources.cubes,
      segments,
      snapshots: resources.snapshots,
      versions,
      extent: ({ name }) => extents.get(name),
      pushDown: ({ fact }) => !bare.closedSources.has(fact.table.source),
    });
    const snapshot = { ...bare, models, versions };
    project.snapshot = snapshot;
    project.metadataVersion = metadataVersion;
    return snapshot;
  }

  #closedSources(project: string): ReadonlySet<string> {
    const closed = this.#metadata
      .all('sources', project)
      .filter(({ pushDown }) => pushDown === false);
    return new Set(closed.map(({ name }) => resourceIdOf(name)));
  }

  async #askVersions(project: Project, { models, sources }: CatalogSnapshot): Promise<boolean> {
    const tables = new Set(models.flatMap(({ model }) => tablesOf(model)));
    return project.versions.ask(tables, sources);
  }

  /** Sources of which some table changed report their tables again: columns may have changed with the data. */
  async #reopenChanged(project: Project, before: CatalogSnapshot): Promise<void> {
    const now = project.versions.known();
    for (const { description } of before.sources.values()) {
      const changed = [...now].some(
        ([key, { token }]) =>
          key.startsWith(`${description.name}.`) && before.versions.get(key)?.token !== token,
      );
      if (changed) await project.registry.refresh(description).catch(() => undefined);
    }
  }

  async #openSources(id: string, project: Project) {
    const sources = new Map<string, OpenSource>();
    const failures = new Map<string, TesseraError>();
    await Promise.all(
      this.#metadata.all('sources', id).map(async (resource) => {
        const description: SourceDescription = {
          name: resourceIdOf(resource.name),
          use: resource.connector,
          config: resource.config ?? {},
          baseDirectory: resource.baseDirectory,
          etag: resource.etag,
        };
        try {
          sources.set(description.name, await project.registry.open(description));
        } catch (error) {
          failures.set(description.name, sourceFailure(description.name, error));
        }
      }),
    );
    for (const gone of project.snapshot?.sources.keys() ?? []) {
      if (!sources.has(gone) && !failures.has(gone)) await project.registry.close({ name: gone });
    }
    return { sources, failures };
  }

  /** Only for models with built segments: for the others nothing is a hole, everything comes from the source. */
  async #extents(
    project: Project,
    snapshot: CatalogSnapshot,
    built: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, SourceExtent>> {
    const extents = new Map<string, SourceExtent>();
    for (const { model } of snapshot.models) {
      if (model.partition === undefined || !built.has(model.name)) continue;
      const version = project.versions.known().get(tableKey(model.fact.table));
      if (version?.known !== true || version.token === unreadable.token) continue;
      const key = JSON.stringify([model.name, String(model.revision), version.token]);
      const extent = project.extents.get(key) ?? (await this.#readQuietly(model, snapshot));
      if (extent === undefined) continue;
      extents.set(model.name, extent);
      if (project.extents.size >= 1_000) project.extents.clear();
      project.extents.set(key, extent);
    }
    return extents;
  }

  /** A source that cannot be read has no known extent: then what lies outside the segments counts as a hole. */
  async #readQuietly(model: Model, snapshot: CatalogSnapshot): Promise<SourceExtent | undefined> {
    try {
      return await this.#readExtent(model, snapshot);
    } catch (error) {
      this.#log.warn({ model: model.name, reason: messageOf(error) }, 'catalog.extent.unreadable');
      return undefined;
    }
  }
}

function sourceFailure(source: string, error: unknown): TesseraError {
  if (isTesseraError(error)) return error;
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'SOURCE_UNAVAILABLE',
    message: `Source ${source} cannot be opened: ${messageOf(error)}`,
    metadata: { source },
    cause: error,
  });
}
