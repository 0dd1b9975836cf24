import { experimental, ServerCredentials } from '@grpc/grpc-js';
import { ChannelCredentials } from 'nice-grpc';
import { plaintextRefused, tlsFilesIncomplete } from '../errors.ts';
import type { CertificateStore } from './certificate-store.ts';
import { isLoopback, type Transport } from './transport.ts';

export type CertificateProvider = experimental.CertificateProvider;
export type CaCertificateUpdateListener = Parameters<
  CertificateProvider['addCaCertificateListener']
>[0];
export type IdentityCertificateUpdateListener = Parameters<
  CertificateProvider['addIdentityCertificateListener']
>[0];

/**
 * Trusts the store's authorities and shows its certificate, if it has one; without a store plain text.
 * @throws PLAINTEXT_REFUSED
 */
export function channelCredentials(
  address: string,
  transport: Transport,
  store: CertificateStore | undefined,
): ChannelCredentials {
  if (store === undefined) {
    requirePlaintextAllowed(address, transport);
    return ChannelCredentials.createInsecure();
  }
  const identity = store.hasIdentity ? store : null;
  return experimental.createCertificateProviderChannelCredentials(store, identity);
}

/**
 * Shows the store's certificate, and admits only clients of its authority where the transport names one; without a
 * store plain text.
 * @throws PLAINTEXT_REFUSED, TLS_FILES_INCOMPLETE
 */
export function serverCredentials(
  address: string,
  transport: Transport,
  store: CertificateStore | undefined,
): ServerCredentials {
  if (store === undefined) {
    requirePlaintextAllowed(address, transport);
    return ServerCredentials.createInsecure();
  }
  if (!store.hasIdentity) throw tlsFilesIncomplete();
  const mutual = transport.tls?.ca !== undefined;
  // The declaration has the two providers in the opposite order of what grpc-js does: certificate, authorities.
  const authorities = mutual ? store : null;
  return experimental.createCertificateProviderServerCredentials(store, authorities, mutual);
}

function requirePlaintextAllowed(address: string, { insecure }: Transport): void {
  if (!isLoopback(address) && insecure !== true) throw plaintextRefused(address);
}
