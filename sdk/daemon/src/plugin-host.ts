import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire, findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FieldViolation } from '@tessera/base';
import { Code, isTesseraError, messageOf, TesseraError } from '@tessera/base';
import { type Plugin, type PluginKind, type PluginKinds, pluginApiVersion } from '@tessera/plugin';
import { z } from 'zod';
import { Container, token } from './dependency-injection.ts';
import type { Logger } from './logger.ts';

/** A plugin named by configuration: which package, how it is configured, and from which file it was named. */
export interface PluginEntry<Kind extends PluginKind = PluginKind> {
  readonly kind: Kind;
  /** The resource's name: `files`. Also names its folder and logger. */
  readonly name: string;
  /** Package name, `@tessera/connector-files`. */
  readonly use: string;
  readonly config: unknown;
  /** Folder that relative paths and package names are resolved from. */
  readonly baseDirectory: string;
}

export interface LoadedPlugin<Kind extends PluginKind = PluginKind> {
  readonly instance: PluginKinds[Kind];
  /** Of its package. */
  readonly version: string;
  /** As its schema parsed it: defaults filled in. */
  readonly config: unknown;
}

export interface PluginHostOptions {
  readonly log: Logger;
  /** Plugins get folders below this one for temporary files. */
  readonly workDirectory: string;
  /** Where a package is looked up when the entry's own folder does not have it. */
  readonly fallbackDirectory?: string;
}

const manifestShape = z.object({
  name: z.string(),
  version: z.string(),
  tessera: z.object({
    apiVersion: z.number().int(),
    kind: z.enum(['connector', 'engine', 'strategy', 'veto']),
  }),
});
type Manifest = z.infer<typeof manifestShape>;

/** What is bound in a plugin's own container. */
const PluginInstance = token<PluginKinds[PluginKind] | Promise<PluginKinds[PluginKind]>>(
  'PluginInstance',
);
const PluginLog = token<Logger>('PluginLog');

/**
 * Loads plugins by package name. The manifest is read and checked before any of the plugin's code runs; each
 * plugin has a child container with its own configuration and logger; disposal runs in reverse order.
 */
export class PluginHost implements AsyncDisposable {
  readonly #options: PluginHostOptions;
  readonly #container = new Container();
  readonly #disposal = new AsyncDisposableStack();

  constructor(options: PluginHostOptions) {
    this.#options = options;
  }

  /**
   * @throws PLUGIN_NOT_INSTALLED, PLUGIN_MANIFEST_INVALID, PLUGIN_KIND_MISMATCH, PLUGIN_API_UNSUPPORTED,
   * PLUGIN_CONFIG_INVALID (one violation per wrong setting), PLUGIN_FAILED (its own code threw).
   */
  async load<Kind extends PluginKind>(entry: PluginEntry<Kind>): Promise<PluginKinds[Kind]> {
    return (await this.loadDescribed(entry)).instance;
  }

  /** As `load`, with what was loaded. */
  async loadDescribed<Kind extends PluginKind>(
    entry: PluginEntry<Kind>,
  ): Promise<LoadedPlugin<Kind>> {
    const { file, from } = this.#find(entry);
    const manifest = readManifest(file, entry);
    checkManifest(manifest, entry);
    const plugin = await importPlugin(entry, from);
    const config = parseConfig(plugin, entry);
    const container = this.#container.child();
    container.provide(PluginLog, () => this.#options.log.child({ plugin: entry.name }));
    container.provide(PluginInstance, (get) =>
      plugin.create({
        config,
        name: entry.name,
        log: get(PluginLog),
        baseDirectory: entry.baseDirectory,
        workDirectory: this.#workDirectory(entry),
      }),
    );
    try {
      const instance = (await container.get(PluginInstance)) as PluginKinds[Kind];
      this.#own(instance);
      return { instance, version: manifest.version, config };
    } catch (error) {
      if (isTesseraError(error)) throw error;
      throw pluginFailed(entry, 'while it was created', error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposal.disposeAsync();
  }

  #own(instance: object): void {
    if (Symbol.asyncDispose in instance) this.#disposal.use(instance as AsyncDisposable);
    else if (Symbol.dispose in instance) this.#disposal.use(instance as Disposable);
  }

  #find(entry: PluginEntry): { file: string; from: string } {
    const folders = [entry.baseDirectory, this.#options.fallbackDirectory, import.meta.dirname];
    for (const folder of folders) {
      if (folder === undefined) continue;
      const from = pathToFileURL(join(folder, 'tessera.yaml')).href;
      const file = findPackage(entry.use, from);
      if (file !== undefined) return { file, from };
    }
    throw pluginError(
      entry,
      Code.FAILED_PRECONDITION,
      'PLUGIN_NOT_INSTALLED',
      `is not installed; run: npm install ${entry.use}`,
    );
  }

  #workDirectory(entry: PluginEntry): string {
    const folder = join(this.#options.workDirectory, `${entry.kind}-${entry.name}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    return folder;
  }
}

function findPackage(use: string, from: string): string | undefined {
  try {
    return findPackageJSON(use, from);
  } catch {
    return undefined; // Node throws when the package cannot be found from there.
  }
}

function readManifest(file: string, entry: PluginEntry): Manifest {
  const parsed = manifestShape.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw pluginError(
    entry,
    Code.FAILED_PRECONDITION,
    'PLUGIN_MANIFEST_INVALID',
    `has no valid "tessera" entry in its package.json: ${z.prettifyError(parsed.error)}`,
  );
}

function checkManifest(manifest: Manifest, entry: PluginEntry): void {
  const { kind, apiVersion } = manifest.tessera;
  if (kind !== entry.kind) {
    throw pluginError(
      entry,
      Code.FAILED_PRECONDITION,
      'PLUGIN_KIND_MISMATCH',
      `is a ${kind}, but a ${entry.kind} is wanted here`,
    );
  }
  if (apiVersion !== pluginApiVersion) {
    throw pluginError(
      entry,
      Code.FAILED_PRECONDITION,
      'PLUGIN_API_UNSUPPORTED',
      `was written for plugin API ${apiVersion}; this Tessera has API ${pluginApiVersion}: install a matching version`,
    );
  }
}

async function importPlugin(entry: PluginEntry, from: string): Promise<Plugin> {
  try {
    const module: { plugin?: Plugin } = await import(resolveModule(entry.use, from));
    if (module.plugin?.apiVersion === pluginApiVersion && module.plugin.kind === entry.kind)
      return module.plugin;
  } catch (error) {
    throw pluginFailed(entry, 'while it was loaded', error);
  }
  throw pluginError(
    entry,
    Code.FAILED_PRECONDITION,
    'PLUGIN_MANIFEST_INVALID',
    `exports no "plugin" of kind ${entry.kind} for API ${pluginApiVersion}`,
  );
}

function resolveModule(use: string, from: string): string {
  return pathToFileURL(createRequire(fileURLToPath(from)).resolve(use)).href;
}

function parseConfig(plugin: Plugin, entry: PluginEntry): unknown {
  const parsed = plugin.config.safeParse(entry.config ?? {});
  if (parsed.success) return parsed.data;
  const violations: FieldViolation[] = parsed.error.issues.map((issue) => ({
    field: ['config', ...issue.path].join('.'),
    description: issue.message,
  }));
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'PLUGIN_CONFIG_INVALID',
    message: `The configuration of ${entry.kind} ${entry.name} (${entry.use}) is wrong: ${violations.map((v) => `${v.field}: ${v.description}`).join('; ')}.`,
    metadata: { plugin: entry.use, name: entry.name },
    violations,
  });
}

function pluginError(entry: PluginEntry, code: Code, reason: string, what: string): TesseraError {
  return new TesseraError({
    code,
    reason,
    message: `Plugin ${entry.use} of ${entry.kind} ${entry.name} ${what}.`,
    metadata: { plugin: entry.use, name: entry.name, folder: dirname(entry.baseDirectory) },
  });
}

function pluginFailed(entry: PluginEntry, when: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'PLUGIN_FAILED',
    message: `Plugin ${entry.use} of ${entry.kind} ${entry.name} failed ${when}: ${messageOf(cause)}.`,
    metadata: { plugin: entry.use, name: entry.name },
    cause,
  });
}
