import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isTesseraError } from '@tessera/base';
import { applyResources } from '@tessera/cli';
import { type CuboidUse, type PlanKind, query } from '@tessera/client';
import { rowsOf, type Schema, type Value } from '@tessera/columnar';
import { parseResources, printResources, type Resource } from '@tessera/cube';
import {
  DuckDb,
  duckdbType,
  printStatement,
  quoteName,
  quoteText,
  sessionSettings,
} from '@tessera/duckdb';
import { scheduler } from '@tessera/proto';
import { type BindCatalog, bind, loadParser, parse } from '@tessera/sql';
import fc from 'fast-check';
import { buildAll, finished, type TestPlatform } from '../test-platform.ts';
import { type RandomModel, randomModel } from './random-model.ts';
import { type Rows, randomRows, tables } from './tables.ts';

/** A model with its data, as generated. */
export interface WorldSpec extends RandomModel {
  readonly rows: Rows;
}

export const randomWorld: fc.Arbitrary<WorldSpec> = fc
  .tuple(randomModel, randomRows)
  .map(([model, rows]) => ({ ...model, rows }));

/** An answer, or why there is none. */
export type Outcome =
  | {
      readonly schema: Schema;
      readonly rows: readonly (readonly Value[])[];
      readonly planKind?: PlanKind;
    }
  | { readonly reason: string; readonly message: string };

/** DuckDB over the raw tables of all worlds: each statement is run as it was bound, printed for it. */
export class Oracle implements AsyncDisposable {
  readonly duckdb: DuckDb;

  private constructor(duckdb: DuckDb) {
    this.duckdb = duckdb;
  }

  static async start(): Promise<Oracle> {
    await loadParser();
    return new Oracle(await DuckDb.open({ threads: 1, onConnect: sessionSettings() }));
  }

  async load(world: string, rows: Rows): Promise<void> {
    await this.duckdb.execute(`CREATE SCHEMA ${world}`);
    for (const { name, columns } of tables) {
      const types = columns.map((column) => `${quoteName(column.name)} ${duckdbType(column.type)}`);
      await this.duckdb.execute(`CREATE TABLE ${world}.${name} (${types.join(', ')})`);
      const values = (rows[name] ?? []).map((row) => `(${row.join(', ')})`);
      if (values.length > 0) {
        await this.duckdb.execute(`INSERT INTO ${world}.${name} VALUES ${values.join(', ')}`);
      }
    }
  }

  /** Writes a table of a world as a source has it. */
  async write(
    {
      world,
      table,
      format,
    }: { readonly world: string; readonly table: string; readonly format: string },
    file: string,
  ): Promise<void> {
    const { columns } = tables.find(({ name }) => name === table)!;
    const texts = columns.filter(({ type }) => type.kind === 'text').map((column) => column.name);
    const csv = `FORMAT csv, HEADER${texts.length > 0 ? `, FORCE_QUOTE (${texts.join(', ')})` : ''}`;
    const options = format === 'csv' ? csv : 'FORMAT parquet';
    await this.duckdb.execute(`COPY ${world}.${table} TO ${quoteText(file)} (${options})`);
  }

  async ask(world: string, sql: string): Promise<Outcome> {
    try {
      const statement = bind(parse(sql), catalog, { timeZone: 'UTC', now: 1_700_000_000_000_000n });
      const printed = printStatement(statement, {
        relation: (leaf) => `${world}.${leaf.kind === 'table' ? leaf.table.table : ''}`,
      });
      const schema = statement.schema;
      return { schema, rows: rowsOf(await this.duckdb.run(printed, [], { schema })) };
    } catch (error) {
      return failure(error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.duckdb[Symbol.asyncDispose]();
  }
}

const definitions = tables.map(({ name, columns }) => ({
  name: { source: 'files', table: name },
  columns: columns.map((column) => ({ ...column, nullable: true })),
}));

const catalog: BindCatalog = {
  find: (name) => definitions.find((each) => each.name.table === name),
  tables: () => definitions.map(({ name }) => name),
};

function failure(error: unknown): Outcome {
  if (!isTesseraError(error)) throw error;
  return { reason: error.reason, message: error.message };
}

/** Where a world is made: its services, and a folder that they can read. */
export type WorldPlatform = Pick<TestPlatform, 'client' | 'directory'>;

/** One generated model in the platform: a project with its files, built. */
export class World {
  readonly name: string;
  readonly #platform: WorldPlatform;

  private constructor(name: string, platform: WorldPlatform) {
    this.name = name;
    this.#platform = platform;
  }

  /** Writes the tables as files, applies model and cube, builds, and drops what shall be missing. */
  static async create(
    name: string,
    spec: WorldSpec,
    { platform, oracle }: { readonly platform: WorldPlatform; readonly oracle: Oracle },
  ): Promise<World> {
    await oracle.load(name, spec.rows);
    const directory = join(platform.directory, name);
    mkdirSync(directory);
    for (const { name: table } of tables) {
      const file = join(directory, `${table}.${spec.format}`);
      await oracle.write({ world: name, table, format: spec.format }, file);
    }
    const world = new World(name, platform);
    await world.#apply(spec, directory);
    await world.#build(spec);
    return world;
  }

  async #apply(spec: WorldSpec, baseDirectory: string): Promise<void> {
    const config = {
      tables: Object.fromEntries(
        tables.map(({ name, columns }) => [name, fileOf(name, columns, spec.format)]),
      ),
    };
    const resources: Resource[] = [
      { kind: 'Source', name: 'files', spec: { use: '@tessera/connector-files', config } },
      { kind: 'Model', name: 'world', spec: spec.model },
      { kind: 'Cube', name: 'world', spec: spec.cube },
    ];
    const parsed = parseResources(printResources(resources), `${this.name}.yaml`).resources;
    const { client } = this.#platform;
    await applyResources(client, parsed, { project: this.name, baseDirectory });
  }

  get cube(): string {
    return `projects/${this.name}/cubes/world`;
  }

  async #build({ dropped, model }: WorldSpec): Promise<void> {
    const { client } = this.#platform;
    const { segments } = await buildAll(client, this.cube);
    // An unpartitioned model has one segment: without it nothing would match.
    if (model.partition === undefined) return;
    const unwanted = dropped
      .flatMap((at) => segments[at] ?? [])
      .map((name) => segmentName(this.cube, name));
    if (unwanted.length === 0) return;
    const drop = await client.builds.dropSegments({ cube: this.cube, segments: unwanted });
    await finished(client, drop, scheduler.DropSegmentsResponse);
  }

  async ask(sql: string, useCuboids: CuboidUse): Promise<Outcome> {
    try {
      const project = `projects/${this.name}`;
      const answer = await query(this.#platform.client.queries, sql, { useCuboids, project });
      return { schema: answer.schema, rows: answer.rows, planKind: answer.summary.planKind };
    } catch (error) {
      return failure(error);
    }
  }
}

function segmentName(cube: string, name: string): string {
  return name.includes('/') ? name : `${cube}/segments/${name}`;
}

function fileOf(name: string, columns: (typeof tables)[number]['columns'], format: string) {
  const path = `${name}.${format}`;
  if (format !== 'csv') return { path };
  const types = columns.map(({ name: column, type }) => [column, typeText(type)]);
  return { path, columns: Object.fromEntries(types) as Record<string, string> };
}

function typeText(type: (typeof tables)[number]['columns'][number]['type']): string {
  return type.kind === 'numeric' ? `numeric(${type.precision},${type.scale})` : type.kind;
}
