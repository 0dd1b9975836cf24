import { Code, TesseraError } from '@tessera/base';
import { storage } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { createServer, type Server, ServerError, Status } from 'nice-grpc';
import type { CallContext } from 'nice-grpc-common';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Connection, connect } from '../connect.ts';
import { encodeStatusDetails, statusDetailsKey } from '../errors/status-details.ts';
import { wireBytesOf } from './message-sizes.ts';
import { ScanLanes } from './scan-lanes.ts';

const notStored = new TesseraError({
  code: Code.NOT_FOUND,
  reason: 'LAYOUT_NOT_STORED',
  message: 'It is not here.',
});

/** A storage daemon that answers a scan with the name of its layout, twice, and obeys some names. */
class FakeDaemon {
  /** Lanes that were begun, and calls for one scan. */
  lanes = 0;
  calls = 0;
  /** Scans that were given up. */
  aborted = 0;
  knowsLanes = true;
  readonly #held = Promise.withResolvers<void>();
  readonly release = () => this.#held.resolve();

  async *scanCuboid({ plan }: storage.ScanCuboidRequest, context: CallContext) {
    this.calls++;
    for await (const { scan } of this.#answer(plan!.layout, context)) yield scan;
  }

  async *scanCuboids(requests: AsyncIterable<storage.ScanCuboidsRequest>, context: CallContext) {
    if (!this.knowsLanes) throw new ServerError(Status.UNIMPLEMENTED, 'unknown');
    this.lanes++;
    for await (const { scan } of requests) {
      const { layout } = scan!.plan!;
      if (layout === 'unanswered') return;
      yield* this.#answer(layout, context);
      if (layout === 'last') return;
    }
  }

  async *#answer(layout: string, { signal, trailer }: CallContext) {
    const part = { batch: { arrowIpc: Buffer.from(layout), rowCount: 1n }, work: undefined };
    yield { scan: part, last: false };
    if (layout === 'hold') await this.#held.promise;
    if (layout === 'hang') {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      this.aborted++;
    }
    if (layout === 'fail') {
      trailer.set(statusDetailsKey, encodeStatusDetails(notStored));
      throw new ServerError(notStored.code, notStored.message);
    }
    yield { scan: part, last: true };
  }
}

let daemon: FakeDaemon;
let clock: ManualClock;
let server: Server;
let client: Connection;
let lanes: ScanLanes;

beforeEach(async () => {
  daemon = new FakeDaemon();
  clock = new ManualClock();
  server = createServer();
  const { methods } = storage.StorageServiceDefinition;
  const others = Object.fromEntries(Object.keys(methods).map((name) => [name, async () => ({})]));
  const scans = {
    scanCuboid: daemon.scanCuboid.bind(daemon),
    scanCuboids: daemon.scanCuboids.bind(daemon),
  };
  server.add(storage.StorageServiceDefinition, { ...others, ...scans } as never);
  client = connect(`127.0.0.1:${await server.listen('127.0.0.1:0')}`, { oneOfSeveral: true });
  lanes = new ScanLanes(client.storage, clock);
});

afterEach(() => {
  daemon.release();
  lanes[Symbol.dispose]();
  client.close();
  server.forceShutdown();
});

async function scan(layout: string, signal?: AbortSignal): Promise<readonly string[]> {
  const told: string[] = [];
  const request = { plan: { layout }, parameters: [] };
  for await (const { batch } of lanes.scanCuboid(request, { ...(signal && { signal }) })) {
    told.push(Buffer.from(batch!.arrowIpc).toString());
  }
  return told;
}

test('one call takes one scan after the other', async () => {
  for (const layout of ['a', 'b', 'c']) expect(await scan(layout)).toEqual([layout, layout]);
  expect(daemon).toMatchObject({ lanes: 1, calls: 0 });
});

test('scans at the same time do not wait for each other, and their calls are kept', async () => {
  const held = scan('hold');
  expect(await scan('a')).toEqual(['a', 'a']);
  daemon.release();
  expect(await held).toEqual(['hold', 'hold']);
  await Promise.all([scan('b'), scan('c')]);
  expect(daemon).toMatchObject({ lanes: 2, calls: 0 });
});

test('a failure is told as that of a call of its own, and the next scan works', async () => {
  await expect(scan('fail')).rejects.toMatchObject({
    reason: 'LAYOUT_NOT_STORED',
    code: Code.NOT_FOUND,
  });
  expect(await scan('a')).toEqual(['a', 'a']);
  expect(daemon).toMatchObject({ lanes: 2, calls: 0 });
});

test('a scan that is aborted ends at the daemon, and nothing of it comes to the next', async () => {
  const stop = new AbortController();
  const hanging = scan('hang', stop.signal);
  await vi.waitUntil(() => daemon.lanes === 1);
  stop.abort();
  await expect(hanging).rejects.toMatchObject({ reason: 'CANCELLED' });
  expect(await scan('a')).toEqual(['a', 'a']);
  await vi.waitUntil(() => daemon.aborted === 1);
});

test('so does one whose reader stops in the middle', async () => {
  for await (const _ of lanes.scanCuboid({ plan: { layout: 'a' } })) break;
  expect(await scan('b')).toEqual(['b', 'b']);
  expect(daemon.lanes).toBe(2);
});

test('a call is kept for a time, also by a daemon that is asked all the time', async () => {
  await scan('a');
  await clock.advance(3_999);
  await scan('b');
  expect(daemon.lanes).toBe(1);
  await clock.advance(1);
  expect(await scan('c')).toEqual(['c', 'c']);
  expect(daemon).toMatchObject({ lanes: 2, calls: 0 });
});

test('a scan that is under way when the time of its call is over comes whole', async () => {
  const held = scan('hold');
  await vi.waitUntil(() => daemon.lanes === 1);
  await clock.advance(4_000);
  daemon.release();
  expect(await held).toEqual(['hold', 'hold']);
});

test('a daemon that stops ends calls between two scans, and none of them is lost', async () => {
  expect(await scan('last')).toEqual(['last', 'last']);
  expect(await scan('a')).toEqual(['a', 'a']);
  expect(await scan('unanswered')).toEqual(['unanswered', 'unanswered']);
});

test('a daemon that does not know such calls is asked by one for each scan', async () => {
  daemon.knowsLanes = false;
  for (const layout of ['a', 'b']) expect(await scan(layout)).toEqual([layout, layout]);
  expect(daemon).toMatchObject({ lanes: 0, calls: 2 });
});

test('what was sent and received counts with all that is around it', async () => {
  const request = { plan: { layout: 'a' }, parameters: [] };
  const received: number[] = [];
  for await (const response of lanes.scanCuboid(request)) received.push(wireBytesOf(response));
  const sent = storage.ScanCuboidsRequest.fromPartial({ scan: request });
  expect(wireBytesOf(request)).toBe(storage.ScanCuboidsRequest.encode(sent).finish().length + 5);
  expect(received[1]).toBe(received[0]! + 2); // The last one says so.
});
