import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import {
  certificateExpired,
  certificateMalformed,
  certificateNotYetValid,
  keyMismatch,
  tlsFilesIncomplete,
  tlsFileUnreadable,
} from '../errors.ts';
import type { TlsFiles } from './transport.ts';

/** What the files of one side hold, checked. */
export interface Certificates {
  /** The authorities it trusts, PEM. */
  readonly ca: Buffer;
  /** What it shows of itself. */
  readonly identity?: { readonly certificate: Buffer; readonly privateKey: Buffer };
}

/**
 * Reads and checks the files, so that a mistake is told here and not by a peer that hangs up.
 * @param now milliseconds since 1970
 * @throws TLS_FILE_UNREADABLE, TLS_FILES_INCOMPLETE, TLS_CERTIFICATE_MALFORMED, TLS_CERTIFICATE_EXPIRED,
 * TLS_CERTIFICATE_NOT_YET_VALID, TLS_KEY_MISMATCH
 */
export function readCertificates(files: TlsFiles, now: number): Certificates {
  const { ca, cert, key } = files;
  if ((cert === undefined) !== (key === undefined)) throw tlsFilesIncomplete();
  const authorities = ca === undefined ? systemAuthorities() : readAuthorities(ca, now);
  if (cert === undefined || key === undefined) return { ca: authorities };
  return { ca: authorities, identity: readIdentity(cert, key, now) };
}

function readAuthorities(file: string, now: number): Buffer {
  const pem = read(file);
  const certificates = certificatesOf(pem, file);
  // While an authority is being replaced its file holds the old one too, for a time past its end.
  const newest = certificates.reduce((a, b) => (b.validToDate > a.validToDate ? b : a));
  requireValid(newest, file, now);
  return pem;
}

function readIdentity(cert: string, key: string, now: number) {
  const certificate = read(cert);
  const [own] = certificatesOf(certificate, cert);
  requireValid(own!, cert, now);
  const privateKey = read(key);
  if (!own!.checkPrivateKey(keyOf(privateKey, key))) throw keyMismatch(cert, key);
  return { certificate, privateKey };
}

function systemAuthorities(): Buffer {
  return Buffer.from(getCACertificates('default').join('\n'));
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw tlsFileUnreadable(file, cause);
  }
}

const block = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** At least one. */
function certificatesOf(pem: Buffer, file: string): readonly X509Certificate[] {
  const blocks = pem.toString('latin1').match(block);
  if (blocks === null) throw certificateMalformed(file, 'it holds no PEM certificate');
  try {
    return blocks.map((text) => new X509Certificate(text));
  } catch (cause) {
    throw certificateMalformed(file, 'a certificate in it cannot be decoded', cause);
  }
}

function keyOf(pem: Buffer, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw certificateMalformed(file, 'it holds no private key without a passphrase', cause);
  }
}

function requireValid({ validFromDate, validToDate }: X509Certificate, file: string, now: number) {
  if (validToDate.getTime() <= now) throw certificateExpired(file, validToDate.toISOString());
  if (validFromDate.getTime() > now) {
    throw certificateNotYetValid(file, validFromDate.toISOString());
  }
}
