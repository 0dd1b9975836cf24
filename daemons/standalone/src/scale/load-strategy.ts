import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PluginHost, silentLogger } from '@tessera/daemon';
import type { ScalingStrategy } from '@tessera/plugin';

export interface LoadedStrategy {
  /** Its package. */
  readonly name: string;
  readonly version: string;
  /** As JSON, defaults filled in. */
  readonly options: string;
  readonly strategy: ScalingStrategy;
}

/** Loads strategies for as long as a command runs: those that come with Tessera, and those of the user's folder. */
export class Strategies implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tessera-scale-'));
  readonly #host = new PluginHost({
    log: silentLogger,
    workDirectory: this.#folder,
    fallbackDirectory: import.meta.dirname,
  });

  /** `name` is that of a package, or what follows `@tessera/strategy-`. @throws PLUGIN_NOT_INSTALLED and the like */
  async load(name: string, config: unknown): Promise<LoadedStrategy> {
    const use = /^[a-z0-9-]+$/.test(name) ? `@tessera/strategy-${name}` : name;
    const loaded = await this.#host.loadDescribed({
      kind: 'strategy',
      name,
      use,
      config,
      baseDirectory: process.cwd(),
    });
    const options = JSON.stringify(loaded.config);
    return { name: use, version: loaded.version, options, strategy: loaded.instance };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
