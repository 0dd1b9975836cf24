import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@tessera/base';
import { absent } from '@tessera/daemon';

/** What has come of an artifact is kept for so long after its last byte. */
const ttlMs = 86_400_000;

/** The folder of what has come of artifacts that are not whole yet, each under its digest. */
export class PartialArtifacts {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Throws away what nobody has gone on with for a day. */
  static async open(folder: string, clock: Clock): Promise<PartialArtifacts> {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const partials = new PartialArtifacts(folder);
    const oldestMs = Number(clock.now() / 1000n) - ttlMs;
    for (const name of await readdir(folder)) {
      if ((await stat(join(folder, name))).mtimeMs < oldestMs) await partials.drop(name);
    }
    return partials;
  }

  get folder(): string {
    return this.#folder;
  }

  pathOf(digest: string): string {
    return join(this.#folder, digest);
  }

  async bytesOf(digest: string): Promise<number> {
    return (await stat(this.pathOf(digest)).catch(absent))?.size ?? 0;
  }

  async drop(digest: string): Promise<void> {
    await rm(this.pathOf(digest), { force: true });
  }
}
