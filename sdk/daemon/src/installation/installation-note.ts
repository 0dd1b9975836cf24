import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { installationMismatch, installationNoteUnusable } from './errors.ts';

/**
 * A file in which a daemon notes the installation that it belongs to, so that a wrong address, after a restart too,
 * never makes it take part in another one.
 */
export class InstallationNote {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Whether the daemon belongs to one. @throws INSTALLATION_NOTE_UNUSABLE. */
  get isWritten(): boolean {
    return this.#read() !== '';
  }

  /** The first time it is noted, later compared; `''`: metadata holds nothing. @throws INSTALLATION_MISMATCH, INSTALLATION_NOTE_UNUSABLE. */
  require(installation: string): void {
    const noted = this.#read();
    if (noted === installation) return;
    if (noted !== '') throw installationMismatch(this.#file, noted, installation);
    this.write(installation);
  }

  /** In place of what was noted. @throws INSTALLATION_NOTE_UNUSABLE. */
  write(installation: string): void {
    if (this.#read() === installation) return;
    const partial = `${this.#file}.partial`;
    try {
      const handle = openSync(partial, 'w', 0o644);
      try {
        writeFileSync(handle, `${installation}\n`);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(partial, this.#file);
    } catch (error) {
      throw installationNoteUnusable(this.#file, error);
    }
  }

  #read(): string {
    try {
      return readFileSync(this.#file, 'utf8').trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw installationNoteUnusable(this.#file, error);
    }
  }
}
