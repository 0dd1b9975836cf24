import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ServerOptions as GrpcServerOptions, ServerCredentials } from '@grpc/grpc-js';
import { Code, isTesseraError, messageOf, TesseraError } from '@tessera/base';
import {
  CertificateStore,
  encodeStatusDetails,
  serverCredentials,
  statusMessage,
  type TlsFiles,
  type Transport,
} from '@tessera/client';
import { tracesServerCalls } from '@tessera/telemetry';
import { type ChannelOptions, createServer, type Server, ServerError } from 'nice-grpc';
import type { CallContext, ServerMiddlewareCall } from 'nice-grpc-common';
import { HealthDefinition, HealthState } from 'nice-grpc-server-health';
import { ServerReflection, ServerReflectionService } from 'nice-grpc-server-reflection';
import { type AccessControl, gate } from './access/gate.ts';
import { PeerServices } from './access/peer-services.ts';
import { RunningCalls } from './calls/running-calls.ts';
import { trackCalls } from './calls/track-calls.ts';
import { asTesseraError } from './failure.ts';
import { healthService } from './health-service.ts';
import type { Logger } from './logger.ts';
import type { ServiceBinding } from './service-binding.ts';

export interface ServerOptions {
  /** `127.0.0.1:0` picks a free port. */
  readonly address: string;
  /** Absent: plain text, which only loopback addresses may have. */
  readonly transport?: Transport;
  readonly services: readonly ServiceBinding[];
  /** Absent: everybody who can connect may do everything. */
  readonly access?: AccessControl;
  /** What the daemon cannot do without answers; absent: it is well as long as it serves. */
  readonly isHealthy?: () => Promise<boolean>;
  readonly log: Logger;
  /** Largest message in either direction, bytes. */
  readonly maxMessageBytes?: number;
  /** How long calls may go on after the server was told to stop; then they end with SHUTTING_DOWN. */
  readonly drainTimeoutMs?: number;
  /** How long the reader of a stream may take nothing of it; then it ends with READER_TOO_SLOW. */
  readonly stallTimeoutMs?: number;
}

export interface RunningServer extends AsyncDisposable {
  /** host:port with the real port. */
  readonly address: string;
}

const defaultMaxMessageBytes = 64 * 1024 * 1024;
const defaultDrainTimeoutMs = 10_000;
const defaultStallTimeoutMs = 60_000;
/** Calls that were cut off, and connections without calls, may take so long to end. */
const closeTimeoutMs = 1_000;

/**
 * Serves `services` with health and reflection. Errors leave as google.rpc.Status with an ErrorInfo.
 * @throws PLAINTEXT_REFUSED when the address is not loopback and there is no TLS; what reading the certificates
 * throws; ADDRESS_IN_USE.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { address, transport = {}, log } = options;
  await using starting = new AsyncDisposableStack();
  const store = transport.tls && starting.use(certificates(transport.tls, log));
  const credentials = serverCredentials(address, transport, store);
  const limit = options.maxMessageBytes ?? defaultMaxMessageBytes;
  const { access } = options;
  const calls = new RunningCalls();
  const peers = new PeerServices();
  const serverOptions: GrpcServerOptions = {
    'grpc.max_receive_message_length': limit,
    'grpc.max_send_message_length': limit,
    'grpc.so_reuseport': 0,
    ...(access === undefined ? {} : { interceptors: [peers.interceptor] }),
  };
  const open = createServer(serverOptions as ChannelOptions)
    .use(tracesServerCalls)
    .use(failures(log))
    .use(trackCalls(calls, options.stallTimeoutMs ?? defaultStallTimeoutMs));
  const server = access === undefined ? open : open.use(gate(access, peers));
  for (const { definition, implementation } of options.services) {
    server.add(definition, implementation);
  }
  const health = HealthState();
  server.add(HealthDefinition, healthService(health, options.isHealthy));
  server.add(ServerReflectionService, reflection(options.services));
  const port = await listen(server, address, credentials);
  health.setStatus('healthy');
  const host = address.slice(0, address.lastIndexOf(':'));
  const running = starting.move();
  return {
    address: `${host}:${port}`,
    [Symbol.asyncDispose]: async () => {
      health.setStatus('unhealthy');
      const timeoutMs = options.drainTimeoutMs ?? defaultDrainTimeoutMs;
      if (calls.working > 0) log.info({ calls: calls.working, timeoutMs }, 'server.draining');
      await drained(calls, timeoutMs);
      await closed(server);
      await running.disposeAsync();
    },
  };
}

async function listen(
  server: Server,
  address: string,
  credentials: ServerCredentials,
): Promise<number> {
  try {
    return await server.listen(address, credentials);
  } catch (cause) {
    throw new TesseraError({
      code: Code.FAILED_PRECONDITION,
      reason: 'ADDRESS_IN_USE',
      message: `Cannot listen on ${address}: is another Tessera running there? Choose another port with --port.`,
      metadata: { address },
      cause,
    });
  }
}

/** Refuses new calls and lets the running ones end, those that take longer with SHUTTING_DOWN. */
async function drained(calls: RunningCalls, timeoutMs: number): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  await calls.drain(late.signal);
  clearTimeout(timer);
}

/**
 * Closes the connections. Not waited for long: a peer that never got as far as HTTP/2, such as one that speaks TLS to a
 * plain port, keeps grpc-js from ever reporting the end.
 */
async function closed(server: Server): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, closeTimeoutMs);
  });
  await Promise.race([server.shutdown(), late]);
  clearTimeout(timer);
}

function certificates(files: TlsFiles, log: Logger): CertificateStore {
  return new CertificateStore(files, (error) => {
    const reason = isTesseraError(error) ? error.reason : 'INTERNAL';
    log.warn({ reason, error: messageOf(error) }, 'tls.reload.refused');
  });
}

/** Turns whatever a handler throws into a gRPC status with details. */
function failures(log: Logger) {
  return async function* <Request, Response>(
    call: ServerMiddlewareCall<Request, Response>,
    context: CallContext,
  ): AsyncGenerator<Response, Response | void, undefined> {
    try {
      return yield* call.next(call.request, context);
    } catch (error) {
      const failure = asTesseraError(error, context.signal, call.method.path, log);
      context.trailer.set('grpc-status-details-bin', encodeStatusDetails(failure));
      throw new ServerError(failure.code, statusMessage(failure));
    }
  };
}

function reflection(services: readonly ServiceBinding[]) {
  const file = fileURLToPath(import.meta.resolve('@tessera/proto/tessera.binpb'));
  const names = services.map(
    ({ definition }) => (definition as unknown as { fullName: string }).fullName,
  );
  return ServerReflection(readFileSync(file), names);
}
