import { seededRandom, systemClock } from '@tessera/base';
import { tracesClientCalls } from '@tessera/telemetry';
import { createClientFactory } from 'nice-grpc';
import { type CallOptions, type ClientMiddlewareCall, Metadata } from 'nice-grpc-common';
import { HealthDefinition } from 'nice-grpc-server-health';
import { retriesRefused } from './calls/retry-middleware.ts';
import { type Bind, clientsBy, type TesseraClient } from './clients.ts';
import { failuresAsTesseraErrors } from './errors/failure-middleware.ts';
import { EndpointPool } from './failover/endpoint-pool.ts';
import { failoverClient } from './failover/failover-client.ts';
import { addressesOf } from './transport/addresses.ts';
import { CertificateStore } from './transport/certificate-store.ts';
import { channelCredentials } from './transport/grpc-credentials.ts';
import { Link } from './transport/link.ts';
import type { TokenSource } from './transport/token-file.ts';
import type { Transport } from './transport/transport.ts';

export interface Connection extends TesseraClient, Disposable {
  /** Several have commas between them. */
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
  /** Times that a call which changes nothing is made when daemons refuse it for now; 1: refusals are thrown at once. */
  readonly maxAttempts?: number;
}

const defaultMaxAttempts = 5;
/** Longer than this no call is put off in all. */
const maxRetryWaitMs = 30_000;
const defaultMaxMessageBytes = 64 * 1024 * 1024;
/** `ServingStatus.SERVING` of grpc.health.v1. */
const serving = 1;
/** A daemon that is back is found again within this time, however long it was away. */
const reconnectBackoffMs = { initial: 100, max: 2_000 };
/**
 * Of several daemons one that hangs is left after the sum of the two, also by streams on which nothing happens. Pools
 * share no sockets, so that a new connection is one.
 */
const amongSeveral = {
  'grpc.keepalive_time_ms': 1_000,
  'grpc.keepalive_timeout_ms': 2_000,
  'grpc.use_local_subchannel_pool': 1,
};

/**
 * Clients over gRPC. The connection is made when first needed and again when it is lost. Of several addresses, in a list or
 * with commas between them, all must serve the same: calls take turns over them, and go to another when one
 * fails (`failoverClient`).
 * @throws PLAINTEXT_REFUSED when an address is not `host:port` of a loopback interface and there is no TLS;
 * NO_ADDRESS; what reading the certificates throws.
 */
export function connect(
  address: string | readonly string[],
  options: ConnectOptions = {},
): Connection {
  const addresses = addressesOf(address);
  const { transport = {} } = options;
  using starting = new DisposableStack();
  const store = transport.tls && starting.use(new CertificateStore(transport.tls));
  const limit = options.maxMessageBytes ?? defaultMaxMessageBytes;
  const factory = createClientFactory()
    .use(failuresAsTesseraErrors)
    .use(
      retriesRefused({
        clock: systemClock,
        random: seededRandom(Date.now()),
        maxAttempts: options.maxAttempts ?? defaultMaxAttempts,
        maxWaitMs: maxRetryWaitMs,
        waitsForTheUnavailable: addresses.length === 1,
      }),
    )
    .use(bearing(options.token))
    .use(tracesClientCalls);
  const channelOptions = {
    'grpc.max_receive_message_length': limit,
    'grpc.max_send_message_length': limit,
    'grpc.initial_reconnect_backoff_ms': reconnectBackoffMs.initial,
    'grpc.max_reconnect_backoff_ms': reconnectBackoffMs.max,
    ...(addresses.length > 1 ? amongSeveral : {}),
  };
  const dial = (one: string) =>
    new Link(one, {
      credentials: channelCredentials(one, transport, store),
      channelOptions,
      create: (definition, channel) => factory.create(definition, channel),
    });
  const bind = bound(addresses, dial, starting);
  const clients = clientsBy(bind);
  const isServing: Connection['isServing'] = async (callOptions = {}) => {
    const answer = await bind(HealthDefinition)
      .check({ service: '' }, callOptions)
      .catch(() => undefined);
    return answer?.status === serving;
  };
  const open = starting.move();
  const close = () => open.dispose();
  return Object.defineProperties({} as Connection, {
    ...Object.getOwnPropertyDescriptors(clients),
    address: { value: addresses.join() },
    isServing: { value: isServing },
    close: { value: close },
    [Symbol.dispose]: { value: close },
  });
}

function bound(
  addresses: readonly string[],
  dial: (address: string) => Link,
  stack: DisposableStack,
): Bind {
  const [only, ...others] = addresses;
  if (others.length === 0) {
    const link = stack.use(dial(only!));
    return (definition) => link.client(definition);
  }
  const first = Math.floor(Math.random() * addresses.length);
  const pool = stack.use(new EndpointPool(addresses, dial, first));
  return (definition) => failoverClient(definition, pool);
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
