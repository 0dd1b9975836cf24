import { tracedCall, tracedStream } from '@tessera/telemetry';
import type { CompatServiceDefinition } from 'nice-grpc';
import type { CallContext, CallOptions } from 'nice-grpc-common';
import { Metadata } from 'nice-grpc-common';
import { asTesseraError } from './failure.ts';
import type { Logger } from './logger.ts';
import type { ServiceBinding, ServiceClient } from './service-binding.ts';

interface MessageType {
  fromPartial(object: unknown): unknown;
}
interface Method {
  readonly name: string;
  readonly requestType: MessageType;
  readonly requestStream: boolean;
  readonly responseType: MessageType;
  readonly responseStream: boolean;
}
type Call = (input: unknown, context: CallContext) => unknown;

/**
 * A client of `binding` without socket or serialisation: the handler is called with plain values. What
 * holds over gRPC holds here too: absent fields have their defaults, an aborted signal ends the call with
 * CANCELLED, an unexpected failure reaches the caller as INTERNAL, and neither side can reach into the other's values'
 * message objects (they are copied; byte arrays are shared).
 */
export function bindInProcess<Definition extends CompatServiceDefinition>(
  binding: ServiceBinding<Definition>,
  log: Logger,
): ServiceClient<Definition> {
  const { fullName, methods } = binding.definition as unknown as {
    fullName: string;
    methods: Readonly<Record<string, Method>>;
  };
  const implementation = binding.implementation as unknown as Readonly<Record<string, Call>>;
  const client: Record<string, unknown> = {};
  for (const [key, method] of Object.entries(methods)) {
    const call: Call = (input, context) => implementation[key]!(input, context);
    const path = `/${fullName}/${method.name}`;
    client[key] = method.responseStream
      ? (input: unknown, options?: CallOptions) =>
          tracedStream(path, () => stream(method, call, input, options, log))
      : (input: unknown, options?: CallOptions) =>
          tracedCall(path, () => unary(method, call, input, options, log));
  }
  return client as unknown as ServiceClient<Definition>;
}

async function unary(
  method: Method,
  call: Call,
  input: unknown,
  options: CallOptions | undefined,
  log: Logger,
): Promise<unknown> {
  const context = callContext(options);
  try {
    context.signal.throwIfAborted();
    const response = await call(request(method, input), context);
    return method.responseType.fromPartial(response);
  } catch (error) {
    throw asTesseraError(error, context.signal, method.name, log);
  }
}

async function* stream(
  method: Method,
  call: Call,
  input: unknown,
  options: CallOptions | undefined,
  log: Logger,
): AsyncIterable<unknown> {
  const ended = new AbortController();
  const context = callContext(options, ended.signal);
  try {
    context.signal.throwIfAborted();
    const responses = call(request(method, input), context) as AsyncIterable<unknown>;
    for await (const response of responses) yield method.responseType.fromPartial(response);
  } catch (error) {
    throw asTesseraError(error, context.signal, method.name, log);
  } finally {
    ended.abort(); // A consumer that stops reading ends the call, as it does over gRPC.
  }
}

function request(method: Method, input: unknown): unknown {
  if (!method.requestStream) return method.requestType.fromPartial(input ?? {});
  return map(input as AsyncIterable<unknown>, (item) => method.requestType.fromPartial(item));
}

async function* map<T, U>(items: AsyncIterable<T>, change: (item: T) => U): AsyncIterable<U> {
  for await (const item of items) yield change(item);
}

function callContext(options: CallOptions | undefined, ended?: AbortSignal): CallContext {
  const signals = [options?.signal, ended].filter((signal) => signal !== undefined);
  return {
    metadata: Metadata(options?.metadata),
    peer: 'in-process',
    header: Metadata(),
    trailer: Metadata(),
    sendHeader: () => {},
    signal: signals.length === 1 ? signals[0]! : AbortSignal.any(signals),
  };
}
