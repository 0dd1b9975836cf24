import { Code, TesseraError } from '@tessera/base';

interface Peer {
  readonly pattern: RegExp;
  readonly reason: string;
  readonly message: string;
}

/** What a handshake that failed says, in OpenSSL's and Node's words, and what that means. */
const failures: readonly Peer[] = [
  {
    pattern: /certificate has expired/i,
    reason: 'TLS_PEER_EXPIRED',
    message: 'The certificate of the other side has expired: it needs a new one.',
  },
  {
    pattern: /certificate is not yet valid/i,
    reason: 'TLS_PEER_NOT_YET_VALID',
    message: 'The certificate of the other side is not valid yet: do the clocks of both agree?',
  },
  {
    pattern: /unable to (verify|get)|self[- ]signed certificate/i,
    reason: 'TLS_PEER_UNTRUSTED',
    message:
      'The certificate of the other side comes from an authority that is not trusted here: is --tls-ca the right one?',
  },
  {
    pattern: /does not match certificate/i,
    reason: 'TLS_PEER_NAME_MISMATCH',
    message: 'The certificate of the other side is for another name than the one it was called by.',
  },
  {
    pattern: /alert (number|certificate|unknown|bad|unsupported)|ssl\/tls alert/i,
    reason: 'TLS_CLIENT_CERTIFICATE_REFUSED',
    message:
      'The other side admits only certificates of its own authority: give one with --tls-cert and --tls-key.',
  },
  {
    pattern: /wrong version number|packet length too long|EPROTO/i,
    reason: 'TLS_NOT_SPOKEN',
    message: 'The other side does not speak TLS there.',
  },
];

/** The failure behind an UNAVAILABLE whose connection never came about because of TLS; else `undefined`. */
export function tlsFailure(details: string): TesseraError | undefined {
  const found = failures.find(({ pattern }) => pattern.test(details));
  return (
    found &&
    new TesseraError({
      code: Code.UNAVAILABLE,
      reason: found.reason,
      message: `${found.message} (${details})`,
      metadata: { details },
    })
  );
}
