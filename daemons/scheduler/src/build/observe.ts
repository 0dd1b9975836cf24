import { parseResourceName, resourceIdOf } from '@tessera/base';
import { cubeSpecFromProto, listAll, modelSpecFromProto, segmentFromProto } from '@tessera/client';
import {
  type CubeSpec,
  checkCube,
  type Model,
  resolveModel,
  type Segment,
  type SourceVersion,
} from '@tessera/cube';
import {
  externalCatalog,
  type OpenSource,
  type SourceRegistry,
  withDeadline,
} from '@tessera/daemon';
import { metadata } from '@tessera/proto';
import type { TableName } from '@tessera/sql';
import type { SchedulerClients } from '../clients.ts';

/** Where connectors come from. */
export type Sources = Pick<SourceRegistry, 'refresh' | 'open'>;

/** A cube with everything it stands on, read once at the beginning of an operation. */
export interface ObservedCube {
  readonly name: string;
  readonly project: string;
  readonly etag: string;
  readonly spec: CubeSpec;
  readonly model: Model;
  /** Resource name and etag of the model. */
  readonly modelName: string;
  readonly modelEtag: string;
  readonly modelVersion: bigint;
  readonly sources: ReadonlyMap<string, OpenSource>;
  readonly segments: readonly Segment[];
  /** By segment id. */
  readonly segmentEtags: ReadonlyMap<string, string>;
  /** By segment id: the operation that published it. */
  readonly publishedBy: ReadonlyMap<string, string>;
  /** Nodes that shall hold each segment; 0: as the scheduler is set. */
  readonly replication: number;
  /** Dimensions lists of the cuboids that a plan pinned, if any. */
  readonly planned: readonly (readonly string[])[];
}

const versionDeadlineMs = 30_000;

export async function observeCube(
  clients: SchedulerClients,
  registry: Sources,
  name: string,
): Promise<ObservedCube> {
  const { project } = parseResourceName(name, 'projects/{project}/cubes/{cube}');
  const cube = await clients.cubes.getCube({ name });
  const spec = cubeSpecFromProto(cube.spec);
  const modelName = `projects/${project}/models/${spec.model}`;
  const modelResource = await clients.models.getModel({ name: modelName });
  const modelSpec = modelSpecFromProto(modelResource.spec);
  const named = [modelSpec.fact.source, ...modelSpec.joins.map((join) => join.source)];
  // What a source last told of its tables is good enough for a model that answers as of its builds.
  const mayBeKnown = modelSpec.freshness === 'built';
  const sources = await openSources({ clients, registry, project: project!, mayBeKnown }, named);
  const catalog = externalCatalog([...sources.values()]);
  const model = resolveModel(spec.model, modelResource.revision, modelSpec, catalog);
  checkCube(resourceIdOf(name), spec, model);
  return {
    project: project!,
    etag: cube.etag,
    spec,
    model,
    modelName,
    modelEtag: modelResource.etag,
    modelVersion: modelResource.version,
    sources,
    ...(await observeSegments(clients, name)),
    replication: cube.spec?.replication ?? 0,
    planned: (cube.plan?.cuboids ?? []).map(({ names }) => names),
  };
}

/** The READY segments of a cube, without looking at its sources. */
export async function observeSegments(
  clients: SchedulerClients,
  cube: string,
): Promise<Pick<ObservedCube, 'name' | 'segments' | 'segmentEtags' | 'publishedBy'>> {
  const { resources } = await listAll(clients, 'segments', { parent: cube });
  const ready = resources.filter(
    ({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY,
  );
  const segments = ready.map(segmentFromProto);
  const byId = <T>(value: (segment: metadata.Segment) => T) =>
    new Map(ready.map((segment, i) => [segments[i]!.id, value(segment)]));
  return {
    name: cube,
    segments,
    segmentEtags: byId(({ etag }) => etag),
    publishedBy: byId(({ operation }) => operation),
  };
}

/** The versions of cube and model without which nothing that was built for them is published. */
export function builtFor({ etag, modelName, modelEtag }: ObservedCube): metadata.BuiltFor {
  return { cubeEtag: etag, model: modelName, modelEtag };
}

interface SourceContext {
  readonly clients: SchedulerClients;
  readonly registry: Sources;
  readonly project: string;
  /** True: a source that cannot be asked now is taken as it was when it last could. */
  readonly mayBeKnown: boolean;
}

async function openSources(
  { clients, registry, project, mayBeKnown }: SourceContext,
  named: readonly (string | undefined)[],
): Promise<Map<string, OpenSource>> {
  const wanted = new Set(named.filter((name) => name !== undefined && name !== ''));
  const sources = new Map<string, OpenSource>();
  for (const id of wanted) {
    const source = await clients.sources.getSource({ name: `projects/${project}/sources/${id}` });
    const description = {
      name: id!,
      project: `projects/${project}`,
      use: source.connector,
      config: source.config ?? {},
      baseDirectory: source.baseDirectory,
      etag: source.etag,
    };
    const asked = registry.refresh(description);
    sources.set(id!, await (mayBeKnown ? asked.catch(() => registry.open(description)) : asked));
  }
  return sources;
}

/** Tables that the model reads, each once. */
export function tablesOf(model: Model): TableName[] {
  const tables = [model.fact, ...model.lookups].map(({ table }) => table);
  return [...new Map(tables.map((table) => [tableKey(table), table])).values()];
}

export function tableKey({ source, table }: TableName): string {
  return `${source}.${table}`;
}

/** The version of every table of the model now. */
export async function currentVersions(
  { model, sources }: Pick<ObservedCube, 'model' | 'sources'>,
  parent: AbortSignal,
): Promise<Record<string, SourceVersion>> {
  const versions: Record<string, SourceVersion> = {};
  for (const table of tablesOf(model)) {
    const { connector } = sources.get(table.source)!;
    versions[tableKey(table)] = await withDeadline(
      versionDeadlineMs,
      (signal) => connector.version(table.table, signal),
      { what: `asking for the version of ${tableKey(table)}`, reason: 'SOURCE_TIMEOUT', parent },
    );
  }
  return versions;
}
