import { randomUUID } from 'node:crypto';
import type { Client, CompatServiceDefinition } from 'nice-grpc';
import type { CallOptions } from 'nice-grpc-common';
import { daemonSilent, daemonUnresponsive } from '../errors.ts';
import { Attempts } from './attempts.ts';
import type { Endpoint, EndpointPool } from './endpoint-pool.ts';
import { isBrief, type Method, withRequestId } from './repeating.ts';

type Unary = (request: object, options: CallOptions) => Promise<unknown>;
type Stream = (request: object, options: CallOptions) => AsyncIterable<unknown>;

/** How long a daemon has for the connection, and for the answer where every answer is short. */
const attemptLimits = { connectMs: 1_000, answerMs: 1_500 } as const;

/**
 * A client over several daemons that serve the same. A call goes to one of them, and to the next when that one cannot be
 * reached; also when its answer was lost, if the call may be made twice or has a `request_id`, which is given to it. A stream is
 * begun elsewhere as long as nothing of it has come; after that its failure is the caller's, as `watch` resumes it.
 */
export function failoverClient<Definition extends CompatServiceDefinition>(
  definition: Definition,
  pool: EndpointPool,
): Client<Definition> {
  const { fullName, methods } = definition as unknown as {
    readonly fullName: string;
    readonly methods: Readonly<Record<string, Method>>;
  };
  const client: Record<string, Unary | Stream> = {};
  for (const [key, method] of Object.entries(methods)) {
    const call = { definition, key, method, path: `/${fullName}/${method.name}`, pool };
    client[key] = method.responseStream
      ? (request, options = {}) => stream(call, identified(method, request), options)
      : (request, options = {}) =>
          unary(
            { ...call, isBrief: isBrief(fullName, method) },
            identified(method, request),
            options,
          );
  }
  return client as unknown as Client<Definition>;
}

interface Call {
  readonly definition: CompatServiceDefinition;
  readonly key: string;
  readonly method: Method;
  readonly path: string;
  readonly pool: EndpointPool;
}

function identified(method: Method, request: object): object {
  return withRequestId(method, request, randomUUID);
}

async function unary(
  call: Call & { readonly isBrief: boolean },
  request: object,
  options: CallOptions,
): Promise<unknown> {
  const attempts = new Attempts(call.pool, call.method);
  for (;;) {
    const endpoint = attempts.next();
    try {
      await connected(call, endpoint);
      const answer = methodOf<Unary>(call, endpoint);
      return call.isBrief
        ? await inTime(call, endpoint, (signal) => answer(request, { ...options, signal }), options)
        : await answer(request, options);
    } catch (error) {
      await attempts.failed(endpoint, error, options.signal);
    }
  }
}

async function* stream(call: Call, request: object, options: CallOptions): AsyncIterable<unknown> {
  const attempts = new Attempts(call.pool, call.method);
  for (;;) {
    const endpoint = attempts.next();
    try {
      await connected(call, endpoint);
      for await (const message of methodOf<Stream>(call, endpoint)(request, options)) {
        attempts.begun();
        yield message;
      }
      return;
    } catch (error) {
      await attempts.failed(endpoint, error, options.signal);
    }
  }
}

async function connected({ path }: Call, { address, link }: Endpoint): Promise<void> {
  const { connectMs } = attemptLimits;
  if (!(await link.isSettled(connectMs))) throw daemonUnresponsive(path, address, connectMs);
}

/** @throws DAEMON_SILENT when the answer did not come: what was asked for may have happened. */
async function inTime<R>(
  { path }: Call,
  { address }: Endpoint,
  ask: (signal: AbortSignal) => Promise<R>,
  { signal }: CallOptions,
): Promise<R> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), attemptLimits.answerMs);
  try {
    return await ask(signal ? AbortSignal.any([signal, late.signal]) : late.signal);
  } catch (error) {
    if (!late.signal.aborted || signal?.aborted) throw error;
    throw daemonSilent(path, address, attemptLimits.answerMs);
  } finally {
    clearTimeout(timer);
  }
}

function methodOf<M>({ definition, key }: Call, { link }: Endpoint): M {
  const client = link.client(definition) as unknown as Readonly<Record<string, M>>;
  return client[key]!;
}
