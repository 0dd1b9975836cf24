import { randomBytes } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { type Identity, type ServiceKind, serviceKinds } from '@tessera/access';
import type { CallContext } from 'nice-grpc-common';

/**
 * Daemons as they are named by the certificates that they connect with (mutual TLS). A handler is told of a connection
 * only by metadata, so what the certificate says is put there by an interceptor, under a name that nobody else can know.
 */
export class PeerServices {
  readonly #header = `peer-${randomBytes(16).toString('hex')}`;

  readonly interceptor: ServerInterceptor = (_, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, forward) => {
            // Whoever shows a token is who the token says.
            const named =
              metadata.get('authorization').length > 0 ? [] : servicesOf(certificateOf(call));
            metadata.remove(this.#header);
            if (named.length > 0) metadata.set(this.#header, named.join());
            forward(metadata);
          },
        }),
    });

  /** `undefined`: the caller has shown no certificate of a daemon. */
  of({ metadata }: CallContext): Extract<Identity, { kind: 'service' }> | undefined {
    const named = String(metadata.get(this.#header) ?? '').split(',');
    const services = serviceKinds.filter((kind) => named.includes(kind));
    if (services.length === 0) return undefined;
    return { kind: 'service', name: `certificate of ${services.join(', ')}`, services };
  }
}

/** None, too, when the connection has ended since the call came: there Node knows no certificate any more, and grpc-js fails. */
function certificateOf(
  call: Pick<ServerInterceptingCallInterface, 'getAuthContext'>,
): PeerCertificate | undefined {
  try {
    return call.getAuthContext().sslPeerCertificate;
  } catch {
    return undefined;
  }
}

/** What a certificate's subject alternative names say after this is a kind of daemon. */
const prefix = 'urn:tessera:service:';

/** The kinds that a certificate, which the server's own authority has issued, names. */
export function servicesOf(
  certificate: Pick<PeerCertificate, 'subjectaltname'> | undefined,
): readonly ServiceKind[] {
  const uris = urisOf(certificate?.subjectaltname ?? '');
  return serviceKinds.filter((kind) => uris.includes(`${prefix}${kind}`));
}

/**
 * Names that hold anything which could be taken for an end are in quotes, so what stands in quotes is no name of ours,
 * whatever it looks like.
 */
function urisOf(names: string): readonly string[] {
  const entry = /\s*([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:,|$)/y;
  const uris: string[] = [];
  while (entry.lastIndex < names.length) {
    const found = entry.exec(names);
    if (found === null) return []; // Not as Node writes it: nothing in it is believed.
    if (found[1] === 'URI') uris.push(found[2]!);
  }
  return uris;
}
