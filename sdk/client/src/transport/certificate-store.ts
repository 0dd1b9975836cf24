import { stat } from 'node:fs/promises';
import type {
  CaCertificateUpdateListener,
  CertificateProvider,
  IdentityCertificateUpdateListener,
} from './grpc-credentials.ts';
import { type Certificates, readCertificates } from './read-certificates.ts';
import type { TlsFiles } from './transport.ts';

const defaultReloadIntervalMs = 1_000;

/**
 * The certificates of one side, read again when a file changes. Files that do not pass the check, such as a
 * certificate whose key has not been written yet, change nothing and are looked at again: what was in use stays.
 */
export class CertificateStore implements CertificateProvider, Disposable {
  readonly #files: TlsFiles;
  readonly #onRefused: (error: unknown) => void;
  readonly #onCa = new Set<CaCertificateUpdateListener>();
  readonly #onIdentity = new Set<IdentityCertificateUpdateListener>();
  readonly #timer: NodeJS.Timeout;
  #certificates: Certificates;
  #seen = '';
  #refused = '';
  #looking = false;

  /** @throws what reading the certificates throws @param onRefused is told once why changed files are not used */
  constructor(files: TlsFiles, onRefused: (error: unknown) => void = () => {}) {
    this.#files = files;
    this.#onRefused = onRefused;
    this.#certificates = readCertificates(files, Date.now());
    this.#timer = setInterval(
      () => void this.#look(),
      files.reloadIntervalMs ?? defaultReloadIntervalMs,
    );
    this.#timer.unref();
  }

  get hasIdentity(): boolean {
    return this.#certificates.identity !== undefined;
  }

  addCaCertificateListener(listener: CaCertificateUpdateListener): void {
    this.#onCa.add(listener);
    // Not at once: who registers is not ready to hear before it has returned.
    process.nextTick(() => this.#tellCa(listener));
  }

  removeCaCertificateListener(listener: CaCertificateUpdateListener): void {
    this.#onCa.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityCertificateUpdateListener): void {
    this.#onIdentity.add(listener);
    process.nextTick(() => this.#tellIdentity(listener));
  }

  removeIdentityCertificateListener(listener: IdentityCertificateUpdateListener): void {
    this.#onIdentity.delete(listener);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return; // A file system that hangs is asked once.
    this.#looking = true;
    const seen = await fingerprint(this.#files);
    if (seen !== this.#seen) this.#take(seen);
    this.#looking = false;
  }

  #take(seen: string): void {
    try {
      this.#certificates = readCertificates(this.#files, Date.now());
    } catch (error) {
      if (seen !== this.#refused) this.#onRefused(error);
      this.#refused = seen;
      return;
    }
    this.#seen = seen;
    for (const listener of this.#onCa) this.#tellCa(listener);
    for (const listener of this.#onIdentity) this.#tellIdentity(listener);
  }

  #tellCa(listener: CaCertificateUpdateListener): void {
    listener({ caCertificate: this.#certificates.ca });
  }

  #tellIdentity(listener: IdentityCertificateUpdateListener): void {
    listener(this.#certificates.identity ?? null);
  }
}

/** Differs when a file was written or replaced; the contents are read only then. */
async function fingerprint({ ca, cert, key }: TlsFiles): Promise<string> {
  const files = [ca, cert, key].filter((file) => file !== undefined);
  const stats = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  return stats.map((found) => `${found?.ino}:${found?.size}:${found?.mtimeMs}`).join();
}
