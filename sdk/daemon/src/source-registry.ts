import { isDeepStrictEqual } from 'node:util';
import { Code, messageOf, TesseraError } from '@tessera/base';
import type { Connector, ExternalTable } from '@tessera/plugin';
import type { BindCatalog, TableDefinition, TableName } from '@tessera/sql';
import { withDeadline } from './deadline.ts';
import { PluginHost, type PluginHostOptions } from './plugin-host.ts';

/** A source as its resource describes it. */
export interface SourceDescription {
  /** The source's id: the schema of its tables in SQL. */
  readonly name: string;
  /** `projects/{project}`: sources of two projects may have the same name. */
  readonly project?: string;
  /** Package name of the connector plugin. */
  readonly use: string;
  readonly config: unknown;
  /** Folder that relative paths in `config` start from. */
  readonly baseDirectory: string;
  /** Changes with every write of the resource: a new etag is a new connector. */
  readonly etag: string;
}

/** A loaded source: its connector, and the tables that it reported. */
export interface OpenSource {
  readonly description: SourceDescription;
  readonly connector: Connector;
  readonly tables: readonly ExternalTable[];
}

interface Entry {
  readonly etag: string;
  readonly host: PluginHost;
  readonly source: Promise<OpenSource>;
}

const catalogDeadlineMs = 30_000;

/**
 * The connectors of a daemon, one per source, loaded at first use and replaced when the resource changes. What a
 * connector reported of its tables is kept until then, or until `refresh`. Nobody but the registry's own disposal waits
 * for a connector that is replaced: it ends when its last read does, and a read may take minutes to heed that.
 */
export class SourceRegistry implements AsyncDisposable {
  readonly #options: PluginHostOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #ending = new Set<Promise<void>>();

  constructor(options: PluginHostOptions) {
    this.#options = options;
  }

  /** @throws what the plugin host throws, CATALOG_UNREADABLE, SOURCE_TIMEOUT when the connector hangs. */
  async open(description: SourceDescription): Promise<OpenSource> {
    const known = this.#entries.get(keyOf(description));
    if (known?.etag === description.etag) return known.source;
    const host = new PluginHost(this.#options);
    const entry = { etag: description.etag, host, source: load(host, description) };
    this.#entries.set(keyOf(description), entry);
    if (known !== undefined) this.#end(known);
    try {
      return await entry.source;
    } catch (error) {
      if (this.#entries.get(keyOf(description)) === entry) this.#entries.delete(keyOf(description));
      throw error;
    }
  }

  /** Asks the connector for its tables again, keeping the connector. What was known stays the same object if nothing differs. */
  async refresh(description: SourceDescription): Promise<OpenSource> {
    const known = await this.open(description);
    const source = await readTables(known.connector, description);
    if (isDeepStrictEqual(source.tables, known.tables)) return known;
    const entry = this.#entries.get(keyOf(description));
    if (entry?.etag === description.etag) {
      this.#entries.set(keyOf(description), { ...entry, source: Promise.resolve(source) });
    }
    return source;
  }

  /** Forgets a source, whose connector ends by itself. */
  close(description: Pick<SourceDescription, 'name' | 'project'>): void {
    const key = keyOf(description);
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    if (entry !== undefined) this.#end(entry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const entry of this.#entries.values()) this.#end(entry);
    this.#entries.clear();
    await Promise.all(this.#ending);
  }

  #end({ host }: Entry): void {
    const ending = host[Symbol.asyncDispose]()
      .catch((error) => this.#options.log.warn({ error: messageOf(error) }, 'source.close.failed'))
      .finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

function keyOf({ project = '', name }: Pick<SourceDescription, 'name' | 'project'>): string {
  return `${project}/${name}`;
}

async function load(host: PluginHost, description: SourceDescription): Promise<OpenSource> {
  const connector = await host.load({ kind: 'connector', ...description });
  return readTables(connector, description);
}

async function readTables(
  connector: Connector,
  description: SourceDescription,
): Promise<OpenSource> {
  const tables = await withDeadline(catalogDeadlineMs, (signal) => connector.catalog(signal), {
    what: `reading the catalog of source ${description.name}`,
    reason: 'SOURCE_TIMEOUT',
  }).catch((error) => {
    if (error instanceof Error && 'reason' in error) throw error;
    throw new TesseraError({
      code: Code.FAILED_PRECONDITION,
      reason: 'CATALOG_UNREADABLE',
      message: `The catalog of source ${description.name} (${description.use}) cannot be read: ${messageOf(error)}.`,
      metadata: { source: description.name, plugin: description.use },
      cause: error,
    });
  });
  return { description, connector, tables };
}

/** What SQL may refer to: every table of every source, by `source.table`, or by `table` where only one source has it. */
export function externalCatalog(sources: readonly OpenSource[]): BindCatalog {
  const definitions: TableDefinition[] = sources.flatMap(({ description, tables }) =>
    tables.map(({ name, columns }) => ({
      name: { source: description.name, table: name },
      columns,
    })),
  );
  const byTable = Map.groupBy(definitions, ({ name }) => name.table);
  const names: readonly TableName[] = definitions.map(({ name }) => name);
  return {
    find: (table, source) => {
      const found = byTable.get(table) ?? [];
      if (source !== undefined) return found.find(({ name }) => name.source === source);
      return found.length === 1 ? found[0] : undefined;
    },
    tables: () => names,
  };
}
