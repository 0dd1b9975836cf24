import { tracesClientCalls } from '@tessera/telemetry';
import { createChannel, createClientFactory } from 'nice-grpc';
import { type CallOptions, type ClientMiddlewareCall, Metadata } from 'nice-grpc-common';
import { HealthDefinition } from 'nice-grpc-server-health';
import { clientsBy, type TesseraClient } from './clients.ts';
import { failuresAsTesseraErrors } from './errors/failure-middleware.ts';
import { CertificateStore } from './transport/certificate-store.ts';
import { channelCredentials } from './transport/grpc-credentials.ts';
import type { TokenSource } from './transport/token-file.ts';
import type { Transport } from './transport/transport.ts';

export interface Connection extends TesseraClient, Disposable {
  readonly address: string;
  /** Whether the daemon says that it serves (`grpc.health.v1`). False when it cannot be asked. */
  isServing(options?: { readonly signal?: AbortSignal }): Promise<boolean>;
  close(): void;
}

export interface ConnectOptions {
  /** Largest message in either direction, bytes. */
  readonly maxMessageBytes?: number;
  readonly transport?: Transport;
  /** Of Login, or an API token: sent with each call. */
  readonly token?: TokenSource;
}

const defaultMaxMessageBytes = 64 * 1024 * 1024;
/** `ServingStatus.SERVING` of grpc.health.v1. */
const serving = 1;
/** A daemon that is back is found again within this time, however long it was away. */
const reconnectBackoffMs = { initial: 100, max: 2_000 };

/**
 * Clients over gRPC. The connection is made when first needed and again when it is lost.
 * @throws PLAINTEXT_REFUSED when the address is not `host:port` of a loopback interface and there is no TLS;
 * what reading the certificates throws.
 */
export function connect(address: string, options: ConnectOptions = {}): Connection {
  const { transport = {} } = options;
  const store = transport.tls && new CertificateStore(transport.tls);
  const credentials = channelCredentials(address, transport, store);
  const limit = options.maxMessageBytes ?? defaultMaxMessageBytes;
  const channel = createChannel(address, credentials, {
    'grpc.max_receive_message_length': limit,
    'grpc.max_send_message_length': limit,
    'grpc.initial_reconnect_backoff_ms': reconnectBackoffMs.initial,
    'grpc.max_reconnect_backoff_ms': reconnectBackoffMs.max,
  });
  const factory = createClientFactory()
    .use(failuresAsTesseraErrors)
    .use(bearing(options.token))
    .use(tracesClientCalls);
  const close = () => {
    channel.close();
    store?.[Symbol.dispose]();
  };
  const clients = clientsBy((definition) => factory.create(definition, channel));
  const isServing: Connection['isServing'] = async (callOptions = {}) => {
    const health = factory.create(HealthDefinition, channel);
    const answer = await health.check({ service: '' }, callOptions).catch(() => undefined);
    return answer?.status === serving;
  };
  return Object.defineProperties({} as Connection, {
    ...Object.getOwnPropertyDescriptors(clients),
    address: { value: address },
    isServing: { value: isServing },
    close: { value: close },
    [Symbol.dispose]: { value: close },
  });
}

function bearing(source: TokenSource | undefined) {
  return async function* <Request, Response>(
    call: ClientMiddlewareCall<Request, Response>,
    options: CallOptions,
  ) {
    if (source === undefined) return yield* call.next(call.request, options);
    const token = typeof source === 'string' ? source : source();
    const metadata = Metadata(options.metadata).set('authorization', `Bearer ${token}`);
    return yield* call.next(call.request, { ...options, metadata });
  };
}
