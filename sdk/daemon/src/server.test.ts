import { once } from 'node:events';
import { Code, TesseraError } from '@tessera/base';
import { type Connection, connect } from '@tessera/client';
import { metadata, query, storage } from '@tessera/proto';
import { type Channel, createChannel, createClient } from 'nice-grpc';
import type { CallContext } from 'nice-grpc-common';
import { HealthDefinition } from 'nice-grpc-server-health';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from './logger.ts';
import { type RunningServer, type ServerOptions, startServer } from './server.ts';
import type { ServiceBinding } from './service-binding.ts';

/** HealthCheckResponse.ServingStatus of grpc.health.v1. */
const notServing = 2;
const shuttingDown = { code: Code.UNAVAILABLE, reason: 'SHUTTING_DOWN' };

/** Says when a call arrived, and lets it end. */
class Step {
  readonly #arrived = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly arrived = this.#arrived.promise;
  readonly ended = this.#ended.promise;
  readonly end = () => this.#gone.resolve();

  async pass(): Promise<void> {
    this.#arrived.resolve();
    await this.#gone.promise;
  }

  note(): void {
    this.#ended.resolve();
  }
}

let step: Step;
let made = 0;
let stack: AsyncDisposableStack;
let server: RunningServer;
let client: Connection;
let channel: Channel;

/** `wait`: answers when the test says so, deaf to its signal; `flood`: never ends. */
const queries = {
  async *executeQuery({ sql }: query.ExecuteQueryRequest) {
    if (sql === 'wait') await step.pass();
    if (sql === 'fail') {
      throw new TesseraError({ code: Code.NOT_FOUND, reason: 'PROJECT_NOT_FOUND', message: 'No.' });
    }
    try {
      do {
        made++;
        yield { batch: { arrowIpc: Buffer.alloc(1 << 20), rowCount: 0n } };
      } while (sql === 'flood');
    } finally {
      step.note();
    }
  },
};
const projects = {
  getProject: async () => {
    await step.pass();
    return { name: 'projects/default' };
  },
  async *watchProjects(_: unknown, { signal }: CallContext) {
    yield { revision: 1n };
    step.note();
    await once(signal, 'abort');
  },
};

/** Answers each request of a call when the test says so. */
const storages = {
  async *scanCuboids(requests: AsyncIterable<unknown>) {
    for await (const _ of requests) {
      await step.pass();
      yield { scan: { batch: undefined, work: undefined }, last: true };
    }
  },
};

function partly(definition: { readonly methods: object }, methods: object): ServiceBinding {
  const uncalled = () => {
    throw new Error('not called by these tests');
  };
  const others = Object.keys(definition.methods).map((name) => [name, uncalled]);
  const implementation = { ...Object.fromEntries(others), ...methods };
  return { definition, implementation } as unknown as ServiceBinding;
}

async function start(options: Partial<ServerOptions> = {}): Promise<void> {
  const services = [
    partly(query.QueryServiceDefinition, queries),
    partly(metadata.ProjectServiceDefinition, projects),
    partly(storage.StorageServiceDefinition, storages),
  ];
  server = stack.use(
    await startServer({ address: '127.0.0.1:0', services, log: silentLogger, ...options }),
  );
  client = stack.use(connect(server.address, { maxAttempts: 1 }));
  channel = createChannel(server.address);
  stack.defer(() => channel.close());
}

async function countOf(sql: string): Promise<number> {
  let count = 0;
  for await (const _ of client.queries.executeQuery({ sql })) count++;
  return count;
}

beforeEach(() => {
  step = new Step();
  made = 0;
  stack = new AsyncDisposableStack();
});
afterEach(async () => {
  step.end();
  await stack.disposeAsync();
});

describe('a server that is told to stop', () => {
  test('lets what runs end, refuses what is new, and says so to who asks for its health', async () => {
    await start({ drainTimeoutMs: 600_000 });
    const running = client.projects.getProject({ name: 'projects/default' });
    await step.arrived;
    const stopped = server[Symbol.asyncDispose]();
    await expect(countOf('one')).rejects.toMatchObject({
      ...shuttingDown,
      retryAfterMs: expect.any(Number),
    });
    const health = await createClient(HealthDefinition, channel).check({ service: '' });
    expect(health.status).toBe(notServing);
    step.end();
    expect(await running).toMatchObject({ name: 'projects/default' });
    await stopped;
    await expect(countOf('one')).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  test('lets a call that takes one request after the other finish the one it is at', async () => {
    await start({ drainTimeoutMs: 600_000 });
    const more = Promise.withResolvers<void>();
    async function* requests() {
      yield {};
      await more.promise;
    }
    const answers = Array.fromAsync(client.storage.scanCuboids(requests()));
    await step.arrived;
    const stopped = server[Symbol.asyncDispose]();
    step.end();
    expect(await answers).toHaveLength(1);
    await stopped; // Its caller would have sent others.
    more.resolve();
  });

  test('ends watches at once, so that their callers go on elsewhere', async () => {
    await start({ drainTimeoutMs: 600_000 });
    const seen: unknown[] = [];
    const watching = (async () => {
      for await (const change of client.projects.watchProjects({})) seen.push(change);
    })();
    const ended = expect(watching).rejects.toMatchObject(shuttingDown);
    await step.ended;
    await server[Symbol.asyncDispose]();
    await ended;
    expect(seen).toHaveLength(1);
  });

  test.each([
    { what: 'a call', run: () => client.projects.getProject({}) },
    { what: 'a stream', run: () => countOf('wait') },
  ])(
    'ends $what that takes too long with a code by which it is tried elsewhere',
    async ({ run }) => {
      await start({ drainTimeoutMs: 10 });
      const running = expect(run()).rejects.toMatchObject(shuttingDown);
      await step.arrived;
      await server[Symbol.asyncDispose]();
      await running;
      step.end();
    },
  );
});

describe('a stream', () => {
  test('is made no faster than it is read, and ends when its reader stops', async () => {
    await start({ stallTimeoutMs: 200 });
    const stream = client.queries.executeQuery({ sql: 'flood' })[Symbol.asyncIterator]();
    await stream.next();
    await step.ended; // The handler let go of everything, though nobody cancelled.
    expect(made).toBeLessThan(200); // Without end, if nobody waited for the reader.
    const rest = (async () => {
      while (!(await stream.next()).done);
    })();
    await expect(rest).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      reason: 'READER_TOO_SLOW',
      metadata: { timeoutMs: '200' },
    });
  });

  test('that is read comes whole, and its failure arrives as it was', async () => {
    await start();
    expect(await countOf('one')).toBe(1);
    await expect(countOf('fail')).rejects.toMatchObject({ reason: 'PROJECT_NOT_FOUND' });
  });

  test('that its reader leaves ends with him', async () => {
    await start();
    for await (const _ of client.queries.executeQuery({ sql: 'flood' })) break;
    await step.ended;
  });
});
