import { dirname, resolve } from 'node:path';
import { Code, isTesseraError, resourceIdOf, TesseraError } from '@tessera/base';
import {
  cubeSpecFromProto,
  cubeSpecToProto,
  listAll,
  modelSpecFromProto,
  modelSpecToProto,
  type TesseraClient,
} from '@tessera/client';
import {
  type JsonObject,
  locateViolations,
  type ParsedResource,
  parseResources,
  type Resource,
} from '@tessera/cube';
import { applyAccess, isAccessResource } from './access-resources.ts';
import { readText } from './arguments.ts';
import { applyDeployment } from './deployment-resources.ts';
import { applyFlink, flinkYamlField, isFlinkResource } from './flink-resources.ts';

export interface ApplyOptions {
  readonly project: string;
  /** Folder that relative paths of sources start from. */
  readonly baseDirectory: string;
  /** True: everything is checked, nothing is written. */
  readonly dryRun?: boolean;
}

const order: Record<Resource['kind'], number> = {
  Project: 0,
  Source: 1,
  Model: 2,
  Cube: 3,
  Policy: 4, // Before whoever it narrows can be given its role.
  Role: 5,
  Group: 6,
  User: 7,
  Deployment: 8,
  FlinkCluster: 9,
  FlinkJob: 10,
};

/** Reads YAML files of resources. @throws RESOURCE_INVALID with positions, FILE_UNREADABLE */
export function readResources(files: readonly string[]): ParsedResource[] {
  return files.flatMap((file) => [...parseResources(readText(file), file).resources]);
}

/** Creates or updates each resource, sources before models before cubes, policies before roles before users, clusters of Flink before their jobs. Failures say where in the file they are. */
export async function applyResources(
  client: TesseraClient,
  resources: readonly ParsedResource[],
  options: ApplyOptions,
): Promise<void> {
  if (resources.some(({ resource }) => isInProject(resource))) {
    await ensureProject(client, options.project);
  }
  const sorted = resources.toSorted((a, b) => order[a.resource.kind] - order[b.resource.kind]);
  for (const parsed of sorted) {
    try {
      await applyOne(client, parsed.resource, options);
    } catch (error) {
      throw located(error, parsed);
    }
  }
}

/** What is of the whole platform needs no project. */
function isInProject(resource: Resource): boolean {
  return resource.kind !== 'Deployment' && !isFlinkResource(resource);
}

function located(error: unknown, parsed: ParsedResource): unknown {
  if (!isTesseraError(error) || error.violations.length === 0) return error;
  const named = error.violations.map((one) => ({ ...one, field: yamlField(parsed, one.field) }));
  const violations = locateViolations(parsed, named);
  const lines = violations.map(
    ({ file, line, column, description }) => `${file}:${line ?? 1}:${column ?? 1}: ${description}`,
  );
  const { kind, name } = parsed.resource;
  return new TesseraError({
    ...error,
    code: error.code,
    reason: error.reason,
    metadata: error.metadata,
    violations,
    message: `${kind} ${name} cannot be applied:\n${lines.join('\n')}`,
  });
}

/** The wire's names are in snake case, those of YAML in camel case; what a user calls himself is as it is. */
function yamlField({ positions, resource }: ParsedResource, field: string): string {
  if (positions.has(field)) return field;
  const written = isFlinkResource(resource) ? flinkYamlField(field) : field;
  return written.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

async function ensureProject(client: TesseraClient, project: string): Promise<void> {
  try {
    await client.projects.getProject({ name: `projects/${project}` });
  } catch (error) {
    if (!isTesseraError(error) || error.code !== Code.NOT_FOUND) throw error;
    await client.projects.createProject({ projectId: project, project: {} }).catch((failure) => {
      if (!isTesseraError(failure) || failure.code !== Code.ALREADY_EXISTS) throw failure;
    });
  }
}

async function applyOne(
  client: TesseraClient,
  resource: Resource,
  { project, baseDirectory, dryRun = false }: ApplyOptions,
): Promise<void> {
  const parent = `projects/${project}`;
  const common = { allowMissing: true, validateOnly: dryRun };
  if (isAccessResource(resource)) {
    await applyAccess(client, resource, { project, dryRun });
    return;
  }
  if (isFlinkResource(resource)) {
    await applyFlink(client, resource, { dryRun });
    return;
  }
  switch (resource.kind) {
    case 'Deployment':
      await applyDeployment(client, resource, { dryRun });
      return;
    case 'Project':
      await client.projects.updateProject({
        ...common,
        project: {
          name: `projects/${resource.name}`,
          description: resource.spec.description ?? '',
        },
      });
      return;
    case 'Source':
      await client.sources.updateSource({
        ...common,
        source: {
          name: `${parent}/sources/${resource.name}`,
          connector: resource.spec.use,
          config: resource.spec.config,
          baseDirectory,
        },
      });
      return;
    case 'Model':
      await client.models.updateModel({
        ...common,
        model: { name: `${parent}/models/${resource.name}`, spec: modelSpecToProto(resource.spec) },
      });
      return;
    case 'Cube':
      await client.cubes.updateCube({
        ...common,
        updateMask: ['spec'],
        cube: { name: `${parent}/cubes/${resource.name}`, spec: cubeSpecToProto(resource.spec) },
      });
  }
}

/** Everything of a project as resources that can be applied again. */
export async function exportResources(client: TesseraClient, project: string): Promise<Resource[]> {
  const parent = `projects/${project}`;
  const [sources, models, cubes] = await Promise.all([
    listAll(client, 'sources', { parent }),
    listAll(client, 'models', { parent }),
    listAll(client, 'cubes', { parent }),
  ]);
  return [
    ...sources.resources.map(
      (source): Resource => ({
        kind: 'Source',
        name: resourceIdOf(source.name),
        spec: { use: source.connector, config: (source.config ?? {}) as JsonObject },
      }),
    ),
    ...models.resources.map(
      (model): Resource => ({
        kind: 'Model',
        name: resourceIdOf(model.name),
        spec: modelSpecFromProto(model.spec),
      }),
    ),
    ...cubes.resources.map(
      (cube): Resource => ({
        kind: 'Cube',
        name: resourceIdOf(cube.name),
        spec: cubeSpecFromProto(cube.spec),
      }),
    ),
  ];
}

/** The folder that a file's relative paths start from. */
export function folderOf(file: string): string {
  return dirname(resolve(file));
}
