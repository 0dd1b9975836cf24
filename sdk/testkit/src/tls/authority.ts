import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export const hasOpenSsl = spawnSync('openssl', ['version']).status === 0;

/** Files of a certificate and its key, PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of its own, made by OpenSSL in a folder. */
export class Authority {
  readonly ca: string;
  readonly #folder: string;
  readonly #key: string;

  constructor(folder: string, name = 'authority') {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.ca = join(folder, `${name}.pem`);
    this.#key = join(folder, `${name}.key`);
    openssl(
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      this.#key,
      '-out',
      this.ca,
      '-subj',
      `/CN=${name}`,
    );
  }

  /** A certificate for this machine's names. @param days until its end, from now; negative: it has ended */
  issue(name: string, { days = 10, names = 'DNS:localhost,IP:127.0.0.1' } = {}): Issued {
    const [request, cert, key] = ['csr', 'pem', 'key'].map((end) =>
      join(this.#folder, `${name}.${end}`),
    );
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`];
    openssl('req', ...newKey, '-keyout', key!, '-out', request!, ...subject);
    const by = [
      '-CA',
      this.ca,
      '-CAkey',
      this.#key,
      '-days',
      String(days),
      '-copy_extensions',
      'copy',
    ];
    openssl('x509', '-req', '-in', request!, '-out', cert!, ...by);
    return { cert: cert!, key: key! };
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function openssl(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]} ended with ${status}: ${stderr}`);
}
