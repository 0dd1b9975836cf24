import { type Transport, transportOf } from '@tessera/client';

/** What every daemon's own command takes of `node:util`'s parseArgs to protect its connections, both ways. */
export const transportArguments = {
  'tls-ca': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  insecure: { type: 'boolean', default: false },
} as const;

export interface TransportArguments {
  readonly 'tls-ca'?: string | undefined;
  readonly 'tls-cert'?: string | undefined;
  readonly 'tls-key'?: string | undefined;
  readonly insecure?: boolean;
}

export function transportOfArguments(values: TransportArguments): Transport {
  const { 'tls-ca': ca, 'tls-cert': cert, 'tls-key': key, insecure } = values;
  return transportOf({ ca, cert, key, insecure });
}
