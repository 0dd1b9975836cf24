import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority, type Issued } from '../tls/authority.ts';
import type { TlsPaths } from './daemon-commands.ts';

/** How a certificate is wrong: its time is over, or its authority is another one. */
export type BadCertificate = 'expired' | 'foreign';

/** The certificates of a cluster's daemons, each its own, and of whoever is none. */
export class Certificates {
  readonly #authority: Authority;
  readonly #foreign: Authority;
  /** Subject alternative names that each has. */
  readonly #names: string;
  readonly #issued = new Map<string, TlsPaths>();

  /** @param addresses of every host */
  constructor(folder: string, addresses: readonly string[]) {
    this.#authority = new Authority(folder);
    this.#foreign = new Authority(join(folder, 'foreign'));
    const hosts = addresses.map((address) => `IP:${address}`);
    this.#names = ['DNS:localhost', 'IP:127.0.0.1', ...hosts].join();
  }

  /** Those of a daemon, such as `storage-1`; its kind is named in it, by which the others know what it may do. */
  ofDaemon(name: string): TlsPaths {
    return this.#of(name);
  }

  /** What clients show and trust. */
  ofPerson(): TlsPaths {
    return this.#of('person');
  }

  /** Puts a bad certificate and its key in the place of a daemon's own. */
  spoil(daemon: string, how: BadCertificate): void {
    const { cert, key } = this.#of(daemon);
    const bad = this.#issue(daemon, how);
    copyFileSync(bad.cert, cert);
    copyFileSync(bad.key, key);
  }

  /** Puts a new one in its place that is good. */
  renew(daemon: string): void {
    this.#issue(daemon);
  }

  #of(name: string): TlsPaths {
    const known = this.#issued.get(name);
    if (known !== undefined) return known;
    const made = { ca: this.#authority.ca, ...this.#issue(name) };
    this.#issued.set(name, made);
    return made;
  }

  #issue(name: string, how?: BadCertificate): Issued {
    const kind = /^(\w+)-\d+$/.exec(name)?.[1];
    const service = kind === undefined ? '' : `,URI:urn:tessera:service:${kind}`;
    const names = `${this.#names}${service}`;
    if (how === 'foreign') return this.#foreign.issue(name, { names });
    if (how === 'expired') return this.#authority.issue(`${name}-expired`, { names, days: -1 });
    return this.#authority.issue(name, { names });
  }
}
