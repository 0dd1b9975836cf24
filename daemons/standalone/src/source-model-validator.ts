import { policyFaults, unknownName } from '@tessera/access';
import { type FieldViolation, isTesseraError, resourceIdOf } from '@tessera/base';
import {
  cubeSpecFromProto,
  listAll,
  modelSpecFromProto,
  type TesseraClient,
} from '@tessera/client';
import { checkCube, type Model, type ModelSpec, resolveModel } from '@tessera/cube';
import {
  externalCatalog,
  loadSqlParser,
  policyRulesFromProto,
  type SourceDescription,
  type SourceRegistry,
  withDeadline,
} from '@tessera/daemon';
import { type ModelValidator, structuralValidator } from '@tessera/metadata';
import type { access, metadata } from '@tessera/proto';

const deadlineMs = 60_000;

/**
 * Checks models, cubes and policies against the tables that their sources have: unknown tables and columns, types that do not
 * fit, expressions that do not bind, each with its field. A source that cannot be read refuses the model with what
 * is wrong with the source.
 */
export class SourceModelValidator implements ModelValidator {
  readonly #client: TesseraClient;
  readonly #registry: SourceRegistry;

  constructor(client: TesseraClient, registry: SourceRegistry) {
    this.#client = client;
    this.#registry = registry;
  }

  async checkModel(spec: metadata.ModelSpec, name: string): Promise<readonly FieldViolation[]> {
    const faults = await structuralValidator.checkModel(spec, name);
    if (faults.length > 0) return faults;
    return violationsOf(() => this.#resolve(spec, name));
  }

  async checkCube(
    spec: metadata.CubeSpec,
    model: Pick<metadata.Model, 'name' | 'spec'>,
  ): Promise<readonly FieldViolation[]> {
    const faults = await structuralValidator.checkCube(spec, model);
    if (faults.length > 0) return faults;
    const resolved = await this.#resolve(model.spec!, model.name);
    return violationsOf(() => checkCube(spec.model, cubeSpecFromProto(spec), resolved));
  }

  /**
   * A source that cannot be read now keeps nobody from narrowing what is seen of it: a policy that then turns out not to
   * fit denies its role the table.
   */
  async checkPolicy(policy: access.Policy): Promise<readonly FieldViolation[]> {
    await loadSqlParser();
    const project = policy.name.slice(0, policy.name.indexOf('/policies/'));
    const { resources } = await listAll(this.#client, 'sources', { parent: project });
    const source = resources.find(({ name }) => resourceIdOf(name) === policy.source);
    if (source === undefined) {
      const known = resources.map(({ name }) => resourceIdOf(name));
      return [unknownName('source', 'source', policy.source, known)];
    }
    const opened = await this.#registry
      .refresh(descriptionOf(source, project))
      .catch((): undefined => undefined);
    if (opened === undefined) return [];
    const { tables } = opened;
    const table = tables.find(({ name }) => name === policy.table);
    if (table === undefined) {
      const known = tables.map(({ name }) => name);
      return [unknownName('table', 'table', policy.table, known)];
    }
    const name = { source: policy.source, table: policy.table };
    return policyFaults(policyRulesFromProto(policy), { name, columns: table.columns });
  }

  async #resolve(message: metadata.ModelSpec, name: string): Promise<Model> {
    await loadSqlParser();
    const spec = modelSpecFromProto(message);
    const sources = await withDeadline(deadlineMs, () => this.#open(spec, name), {
      what: `reading the tables that ${name} names`,
      reason: 'SOURCE_TIMEOUT',
    });
    const id = resourceIdOf(name);
    return resolveModel(id, 0n, spec, externalCatalog(sources));
  }

  #open(spec: ModelSpec, model: string) {
    const project = model.slice(0, model.indexOf('/models/'));
    const named = [spec.fact.source, ...spec.joins.map(({ source }) => source)];
    const ids = new Set(named.filter((id) => id !== undefined && id !== ''));
    return Promise.all(
      [...ids].map(async (id) => {
        const source = await this.#client.sources.getSource({ name: `${project}/sources/${id}` });
        return this.#registry.refresh(descriptionOf(source, project));
      }),
    );
  }
}

function descriptionOf(source: metadata.Source, project: string): SourceDescription {
  const { name, connector: use, config = {}, baseDirectory, etag } = source;
  return { name: resourceIdOf(name), project, use, config, baseDirectory, etag };
}

/** Faults of the spec are returned, other failures thrown. */
async function violationsOf(check: () => unknown): Promise<readonly FieldViolation[]> {
  try {
    await check();
    return [];
  } catch (error) {
    const isFault = isTesseraError(error, 'MODEL_INVALID') || isTesseraError(error, 'CUBE_INVALID');
    if (!isFault || error.violations.length === 0) throw error;
    return error.violations;
  }
}
