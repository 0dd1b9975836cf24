import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Code, TesseraError } from '@tessera/base';
import { encodeStatusDetails, statusMessage } from '@tessera/client';
import { tracesServerCalls } from '@tessera/telemetry';
import { createServer, ServerError } from 'nice-grpc';
import type { CallContext, ServerMiddlewareCall } from 'nice-grpc-common';
import { HealthDefinition, HealthServiceImpl, HealthState } from 'nice-grpc-server-health';
import { ServerReflection, ServerReflectionService } from 'nice-grpc-server-reflection';
import { asTesseraError } from './failure.ts';
import type { Logger } from './logger.ts';
import type { ServiceBinding } from './service-binding.ts';

export interface ServerOptions {
  /** `127.0.0.1:0` picks a free port. Only loopback: there is no transport security yet. */
  readonly address: string;
  readonly services: readonly ServiceBinding[];
  readonly log: Logger;
  /** Largest message in either direction, bytes. */
  readonly maxMessageBytes?: number;
  /** How long calls may go on after the server was told to stop. */
  readonly drainTimeoutMs?: number;
}

export interface RunningServer extends AsyncDisposable {
  /** host:port with the real port. */
  readonly address: string;
}

const defaultMaxMessageBytes = 64 * 1024 * 1024;
const defaultDrainTimeoutMs = 5_000;

/**
 * Serves `services` with health and reflection. Errors leave as google.rpc.Status with an ErrorInfo.
 * @throws PLAINTEXT_REFUSED when the address is not loopback; ADDRESS_IN_USE.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  requireLoopback(options.address);
  const limit = options.maxMessageBytes ?? defaultMaxMessageBytes;
  const server = createServer({
    'grpc.max_receive_message_length': limit,
    'grpc.max_send_message_length': limit,
    'grpc.so_reuseport': 0,
  })
    .use(tracesServerCalls)
    .use(failures(options.log));
  for (const { definition, implementation } of options.services) {
    server.add(definition, implementation);
  }
  const health = HealthState();
  server.add(HealthDefinition, HealthServiceImpl(health));
  server.add(ServerReflectionService, reflection(options.services));
  const port = await listen(server, options.address);
  health.setStatus('healthy');
  const host = options.address.slice(0, options.address.lastIndexOf(':'));
  return {
    address: `${host}:${port}`,
    [Symbol.asyncDispose]: async () => {
      health.setStatus('unhealthy');
      const timer = setTimeout(
        () => server.forceShutdown(),
        options.drainTimeoutMs ?? defaultDrainTimeoutMs,
      );
      await server.shutdown();
      clearTimeout(timer);
    },
  };
}

async function listen(
  server: { listen(address: string): Promise<number> },
  address: string,
): Promise<number> {
  try {
    return await server.listen(address);
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

function requireLoopback(address: string): void {
  if (/^(127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/.test(address)) return;
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'PLAINTEXT_REFUSED',
    message: `Refusing to serve in plain text on ${address}: use a loopback address such as 127.0.0.1:0.`,
    metadata: { address },
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
