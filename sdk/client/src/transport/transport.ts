/**
 * How two sides of a connection protect it. Without `tls` they talk in plain text, and then only on a loopback
 * address, unless `insecure` says that somebody decided otherwise.
 */
export interface Transport {
  readonly tls?: TlsFiles;
  /** Plain text beyond this machine. Anybody on the way can read and change what is sent. */
  readonly insecure?: boolean;
}

/**
 * PEM files. They are read again when they change: new connections use what they hold then, those that
 * exist go on.
 */
export interface TlsFiles {
  /**
   * Whom this side trusts. A client without it trusts what the operating system trusts; a server without it asks its
   * clients for no certificate, and with it admits only clients with one of that authority (mutual TLS).
   */
  readonly ca?: string;
  /** This side's own certificate, its issuers after it. A server needs one. */
  readonly cert?: string;
  readonly key?: string;
  /** How often the files are looked at, milliseconds. */
  readonly reloadIntervalMs?: number;
}

const loopback = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\]):\d{1,5}$/;

/** Whether `host:port` stays on this machine. */
export function isLoopback(address: string): boolean {
  return loopback.test(address);
}

/** The transport that a command line names; an absent file is not set. */
export function transportOf(named: {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly insecure?: boolean | undefined;
}): Transport {
  const { insecure = false } = named;
  const { ca, cert, key } = named;
  if (ca === undefined && cert === undefined && key === undefined) return { insecure };
  const tls: TlsFiles = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  return { tls, insecure };
}
