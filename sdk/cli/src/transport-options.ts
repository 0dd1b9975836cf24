import { type Transport, transportOf } from '@tessera/client';
import { Option } from 'commander';

export interface TransportOptions {
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: boolean;
}

/** How the command protects its connections: its own certificate, and whose it trusts. */
export function transportOptions(): Option[] {
  return [
    new Option('--tls-ca <file>', 'PEM file of the authorities to trust').env('TESSERA_TLS_CA'),
    new Option('--tls-cert <file>', 'PEM file of the own certificate').env('TESSERA_TLS_CERT'),
    new Option('--tls-key <file>', "PEM file of the own certificate's key").env('TESSERA_TLS_KEY'),
    new Option('--insecure', 'allow plain text beyond this machine').default(false),
  ];
}

export function transportOptionsOf(options: TransportOptions): Transport {
  const { tlsCa: ca, tlsCert: cert, tlsKey: key, insecure } = options;
  return transportOf({ ca, cert, key, insecure });
}
