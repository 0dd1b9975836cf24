import {
  isTesseraError,
  type KeyValueStore,
  prefixRange,
  seededRandom,
  systemClock,
  type TransactionRequest,
} from '@tessera/base';
import { bytes, expectReason, text } from '@tessera/testkit/contracts';
import { type EtcdServers, etcdProgram, startEtcd } from '@tessera/testkit/etcd';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openEtcdStore } from './etcd-store.ts';
import type { EtcdOptions } from './options.ts';
import { LossyLink } from './testing/lossy-link.ts';
import { MemberNetwork } from './testing/member-network.ts';

const installed = etcdProgram() !== undefined;
let prefixes = 0;

const open = (endpoints: readonly string[], options: Partial<EtcdOptions> = {}) =>
  openEtcdStore({ endpoints, prefix: `faults-${prefixes++}`, clock: systemClock, ...options });

const put = (store: KeyValueStore, key: string, value = 'x') =>
  store.transaction({ success: [{ op: 'put', key, value: bytes(value) }] });

/** Writers that count what they were told was written, until they are stopped. */
class CountingWriters {
  readonly acknowledged = new Map<string, number>();
  readonly errors: unknown[] = [];
  readonly #store: KeyValueStore;
  #stopped = false;
  readonly #running: Promise<void>[];

  constructor(store: KeyValueStore, count: number) {
    this.#store = store;
    this.#running = Array.from({ length: count }, (_, i) => this.#write(`w${i}`));
  }

  get total(): number {
    return [...this.acknowledged.values()].reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** Every acknowledged write is there, and the version of the counter says that none was made twice. */
  async check(): Promise<void> {
    expect(this.errors).toEqual([]);
    for (const [writer, count] of this.acknowledged) {
      const { entry } = await this.#store.get(`/count/${writer}`);
      expect({ writer, value: text(entry!.value), version: entry!.version }).toEqual({
        writer,
        value: `${count}`,
        version: BigInt(count),
      });
      const { entries } = await this.#store.list(prefixRange(`/log/${writer}/`));
      expect(entries).toHaveLength(Math.min(count, 1000));
    }
  }

  /** No condition keeps a second application from happening: only the driver does. */
  async #write(writer: string): Promise<void> {
    for (let n = 1; !this.#stopped; n++) {
      try {
        await this.#store.transaction({
          success: [
            { op: 'put', key: `/count/${writer}`, value: bytes(`${n}`) },
            { op: 'put', key: `/log/${writer}/${n}`, value: bytes('x') },
          ],
        });
        this.acknowledged.set(writer, n);
      } catch (error) {
        this.errors.push(error);
        return;
      }
    }
  }
}

/** Collects what a watch of everything delivers, as `revision key`. */
function collect(store: KeyValueStore, startRevision: bigint) {
  const seen: string[] = [];
  const ended = new AbortController();
  const running = (async () => {
    const watch = store.watch({ start: '' }, { startRevision, signal: ended.signal });
    for await (const { revision, events } of watch) {
      for (const event of events) {
        seen.push(`${revision} ${event.kind === 'put' ? event.entry.key : event.key}`);
      }
    }
  })();
  return {
    seen,
    stop: async () => {
      ended.abort();
      await running;
    },
  };
}

describe.skipIf(!installed)('etcd whose members fail', () => {
  let servers: EtcdServers;
  let store: KeyValueStore;
  beforeAll(async () => {
    servers = await startEtcd();
  });
  afterAll(() => servers?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    store = await open(servers.endpoints);
  });
  afterEach(() => store.close());

  test('loses no acknowledged write and makes none twice when its leader is killed', async () => {
    const start = (await store.status()).revision + 1n;
    const watch = collect(store, start);
    const writers = new CountingWriters(store, 6);
    for (let round = 0; round < 3; round++) {
      const before = writers.total;
      await expect.poll(() => writers.total).toBeGreaterThan(before + 20);
      const leader = await servers.leader();
      await leader.end('SIGKILL');
      const during = writers.total;
      await expect.poll(() => writers.total).toBeGreaterThan(during + 20);
      await leader.restart();
    }
    await writers.stop();
    await writers.check();
    await expect.poll(() => watch.seen.length).toBe(2 * writers.total);
    await watch.stop();
    // Once, and in the order of revisions.
    expect(new Set(watch.seen).size).toBe(watch.seen.length);
    const revisions = watch.seen.map((line) => BigInt(line.split(' ')[0]!));
    expect(revisions).toEqual(revisions.toSorted((a, b) => (a < b ? -1 : 1)));
  }, 120_000);

  test('goes on while any one member hangs: calls and watches turn to another', async () => {
    const watch = collect(store, (await store.status()).revision + 1n);
    for (const [i, member] of servers.members.entries()) {
      member.signal('SIGSTOP');
      try {
        for (let n = 0; n < 5; n++) await put(store, `/hung/${i}/${n}`);
        await expect.poll(() => watch.seen.length).toBe(5 * (i + 1));
      } finally {
        member.signal('SIGCONT');
      }
    }
    await watch.stop();
  }, 120_000);

  test('says that it has no majority, and is back by itself when one is', async () => {
    const impatient = await open(servers.endpoints, { timing: { budgetMs: 3_000 } });
    const watch = collect(impatient, (await impatient.status()).revision + 1n);
    await put(impatient, '/a');
    await expect.poll(() => watch.seen).toHaveLength(1);
    const stopped = servers.members.slice(1);
    for (const member of stopped) await member.end('SIGKILL');
    const outcome = await impatient.get('/a').catch((error: unknown) => error);
    expect(['ETCD_NO_LEADER', 'ETCD_UNAVAILABLE']).toContain(
      isTesseraError(outcome) ? outcome.reason : outcome,
    );
    await Promise.all(stopped.map((member) => member.restart()));
    await put(impatient, '/b');
    await expect.poll(() => watch.seen.filter((line) => line.endsWith('/b'))).toHaveLength(1);
    await watch.stop();
    await impatient.close();
  }, 120_000);

  test('keeps a lease that is kept alive through the loss of its leader, and tells of one that was not', async () => {
    const lease = await store.grantLease(4_000);
    await store.transaction({
      success: [{ op: 'put', key: '/held', value: bytes('x'), lease: lease.id }],
    });
    const leader = await servers.leader();
    await leader.end('SIGKILL');
    for (let i = 0; i < 6; i++) {
      expect((await store.keepLeaseAlive(lease.id)).id).toBe(lease.id);
      await systemClock.sleep(1_000); // As a holder does; what is waited for is below.
    }
    expect((await store.get('/held')).entry).toBeDefined();
    await leader.restart();
    await expect.poll(async () => (await store.get('/held')).entry).toBeUndefined();
    await expectReason(store.keepLeaseAlive(lease.id), 'LEASE_NOT_FOUND');
    const late = { op: 'put', key: '/held', value: bytes('late'), lease: lease.id } as const;
    await expectReason(store.transaction({ success: [late] }), 'LEASE_NOT_FOUND');
  }, 120_000);

  test('lets a watcher that is far behind read on, or tells it that what it has not seen is compacted', async () => {
    const startRevision = (await store.status()).revision + 1n;
    const behind = async () => {
      const watch = store.watch({ start: '' }, { startRevision })[Symbol.asyncIterator]();
      await watch.next(); // It has caught up, and now it does something else for a long time.
      return watch;
    };
    const [patient, late] = [await behind(), await behind()];
    // More than a store keeps in memory for its watchers.
    const total = 48;
    for (let n = 0; n < total; n++) await put(store, '/large', 'x'.repeat(1_000_000));
    for (let n = 0; n < total; n++) {
      const { value } = await patient.next();
      expect(value?.revision).toBe(startRevision + BigInt(n));
    }
    await patient.return?.(undefined);
    await store.compact((await store.status()).revision);
    await expectReason(late.next(), 'REVISION_COMPACTED');
  }, 120_000);
});

describe.skipIf(!installed)('etcd behind connections that break', () => {
  let servers: EtcdServers;
  let links: LossyLink[];
  let store: KeyValueStore;
  beforeAll(async () => {
    servers = await startEtcd();
  });
  afterAll(() => servers?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    links = await Promise.all(servers.endpoints.map((endpoint) => LossyLink.to(endpoint)));
    store = await open(
      links.map(({ endpoint }) => endpoint),
      { timing: { attemptMs: 300 } },
    );
  });
  afterEach(async () => {
    await store.close();
    for (const link of links) await link[Symbol.asyncDispose]();
  });

  /** Sends a write whose answer is lost, and lets the connections work again. */
  async function loseAnswer(request: TransactionRequest) {
    const other = await openEtcdStore({
      endpoints: servers.endpoints,
      prefix: `faults-${prefixes - 1}`,
      clock: systemClock,
    });
    const before = (await other.status()).revision;
    for (const link of links) link.losesAnswers = true;
    const outcome = store.transaction(request).catch((error: unknown) => error);
    // It has taken effect; nobody has been told.
    await expect.poll(async () => (await other.status()).revision).toBeGreaterThan(before);
    for (const link of links) link.losesAnswers = false;
    await other.close();
    return outcome;
  }

  test('makes a write whose answer was lost once, and says what it did', async () => {
    await put(store, '/gone/1');
    await put(store, '/gone/2');
    const { revision } = await put(store, '/n', '1');
    const result = await loseAnswer({
      compare: [{ key: '/n', target: 'modRevision', to: revision }],
      success: [
        { op: 'get', key: '/n' },
        { op: 'put', key: '/n', value: bytes('2') },
        { op: 'get', key: '/n' },
        { op: 'delete', key: '/gone/1' },
        { op: 'deleteRange', range: prefixRange('/gone/') },
        { op: 'get', key: '/gone/1' },
      ],
    });
    const { entry } = await store.get('/n');
    expect(entry).toMatchObject({ version: 2n, modRevision: revision + 1n });
    expect(result).toMatchObject({
      succeeded: true,
      revision: revision + 1n,
      results: [
        { op: 'get', entry: { version: 1n } },
        { op: 'put' },
        { op: 'get', entry: { version: 2n } },
        { op: 'delete', deleted: 1 },
        { op: 'deleteRange', deleted: 1 },
        { op: 'get' },
      ],
    });
  }, 120_000);

  test('makes a deletion whose answer was lost once, also when the key is there again', async () => {
    const { revision } = await put(store, '/a');
    const result = await loseAnswer({
      compare: [{ key: '/a', target: 'modRevision', to: revision }],
      success: [{ op: 'delete', key: '/a' }],
    });
    expect(result).toMatchObject({ succeeded: true, results: [{ op: 'delete', deleted: 1 }] });
    await put(store, '/a', 'again');
    expect((await store.get('/a')).entry?.version).toBe(1n);
  }, 120_000);

  test('makes each write once while connections are cut at any moment', async () => {
    const random = seededRandom(11);
    const writers = new CountingWriters(store, 8);
    for (let cuts = 0; cuts < 40; cuts++) {
      const before = writers.total;
      const link = random.pick(links);
      link.losesAnswers = random.integer(0, 1) === 0;
      await systemClock.sleep(random.integer(0, 30)); // Anywhere within a write.
      link.cut();
      link.losesAnswers = false;
      await expect.poll(() => writers.total).toBeGreaterThan(before);
    }
    await writers.stop();
    await writers.check();
  }, 120_000);

  test('is not mistaken for another etcd that takes its place', async () => {
    await put(store, '/a');
    await using other = await startEtcd({ members: 1 });
    for (const link of links) {
      link.target = other.endpoints[0]!;
      link.cut();
    }
    await expectReason(store.get('/a'), 'ETCD_CLUSTER_CHANGED');
    await expectReason(put(store, '/a'), 'ETCD_CLUSTER_CHANGED');
    const watching = (async () => {
      for await (const _ of store.watch({ start: '' }, { startRevision: 1n << 40n })) {
        // Nothing of the other etcd is ever delivered.
      }
    })();
    await expectReason(watching, 'ETCD_CLUSTER_CHANGED');
    for (const [i, link] of links.entries()) {
      link.target = servers.endpoints[i]!;
      link.cut();
    }
    await expect
      .poll(async () => (await store.get('/a').catch(() => undefined))?.entry)
      .toBeDefined();
    const { revision } = await put(store, '/back');
    const firstSeen = async () => {
      for await (const batch of store.watch({ start: '' }, { startRevision: revision })) {
        return batch.revision;
      }
    };
    await expect.poll(() => firstSeen().catch(() => undefined)).toBe(revision);
  }, 120_000);
});

describe.skipIf(!installed)('etcd whose members are cut off from each other', () => {
  test('answers through the majority, although clients still reach the leader that was cut off', async ({
    skip,
  }) => {
    const unusable = MemberNetwork.unusable();
    skip(unusable !== undefined, unusable);
    using network = new MemberNetwork(3);
    await using servers = await startEtcd({
      wrap: (member) => network.wrap(member),
      hosts: (member) => network.hosts(member),
    });
    const links = await Promise.all(servers.endpoints.map((endpoint) => LossyLink.to(endpoint)));
    const store = await open(links.map(({ endpoint }) => endpoint));
    const watch = collect(store, (await store.status()).revision + 1n);
    const writers = new CountingWriters(store, 4);
    for (let round = 0; round < 2; round++) {
      const before = writers.total;
      await expect.poll(() => writers.total).toBeGreaterThan(before + 20);
      const leader = servers.members.indexOf(await servers.leader());
      network.setPeerLink(leader, 'down');
      const during = writers.total;
      await expect.poll(() => writers.total).toBeGreaterThan(during + 20);
      network.setPeerLink(leader, 'up');
    }
    await writers.stop();
    await writers.check();
    await expect.poll(() => watch.seen.length).toBe(2 * writers.total);
    expect(new Set(watch.seen).size).toBe(watch.seen.length);
    await watch.stop();
    await store.close();
    for (const link of links) await link[Symbol.asyncDispose]();
  }, 180_000);
});

describe.skipIf(!installed)('an etcd that is not as it should be', () => {
  const post = async (endpoint: string, path: string, body: object, token?: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: token };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await fetch(`${endpoint}/v3/${path}`, init);
    expect({ path, ok: response.ok }).toEqual({ path, ok: true });
    return response.json() as Promise<{ readonly alarms?: readonly object[] }>;
  };

  test('with its quota used up refuses writes with the reason, still reads and keeps leases, and writes again by itself', async () => {
    const flags = ['--quota-backend-bytes', '4000000'];
    await using servers = await startEtcd({ members: 1, flags });
    const endpoint = servers.endpoints[0]!;
    const store = await open(servers.endpoints);
    const lease = await store.grantLease(60_000);
    expect((await store.statistics()).faults).toEqual([]);
    // Written over and over: what fills it is the past.
    const write = () => put(store, '/filled', 'x'.repeat(200_000));
    let outcome: unknown;
    for (let n = 0; n < 200 && outcome === undefined; n++) {
      outcome = await write().then(
        () => undefined,
        (error: unknown) => error,
      );
    }
    expect(outcome).toMatchObject({ reason: 'ETCD_NO_SPACE' });
    const { entry, revision } = await store.get('/filled');
    expect(entry?.modRevision).toBe(revision);
    await store.keepLeaseAlive(lease.id);
    await expectReason(store.grantLease(60_000), 'ETCD_NO_SPACE');
    expect((await store.statistics()).faults).toMatchObject([{ reason: 'ETCD_NO_SPACE' }]);
    await store.compact(revision);
    await expectReason(write(), 'ETCD_NO_SPACE');
    const watch = collect(store, revision + 1n);
    // etcd compacts in the background: what it has not come to yet is not freed.
    const written = async () => {
      await post(endpoint, 'maintenance/defragment', {});
      const { alarms = [] } = await post(endpoint, 'maintenance/alarm', { action: 'GET' });
      for (const alarm of alarms) {
        await post(endpoint, 'maintenance/alarm', { action: 'DEACTIVATE', ...alarm });
      }
      return write().then(
        () => 'written',
        (error) => error.reason,
      );
    };
    await expect.poll(written, { timeout: 30_000, interval: 500 }).toBe('written');
    expect((await store.get('/filled')).entry?.version).toBe(entry!.version + 1n);
    await expect.poll(() => watch.seen).toHaveLength(1);
    expect((await store.statistics()).faults).toEqual([]);
    await watch.stop();
    await store.close();
  });

  test('that is two, by its endpoints, is refused at the start', async () => {
    await using one = await startEtcd({ members: 1 });
    await using other = await startEtcd({ members: 1 });
    await expectReason(open([...one.endpoints, ...other.endpoints]), 'ETCD_CLUSTERS_DIFFER');
    const away = 'http://127.0.0.1:1';
    await (await open([...one.endpoints, away])).close();
  });

  test('with limits that are too low names the flag', async () => {
    const flags = ['--max-txn-ops', '128', '--max-request-bytes', '1572864'];
    await using servers = await startEtcd({ members: 1, flags });
    const store = await open(servers.endpoints);
    const many = Array.from(
      { length: 300 },
      (_, i) => ({ op: 'put', key: `/k${i}`, value: bytes('x') }) as const,
    );
    const refused = await store.transaction({ success: many }).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      reason: 'ETCD_LIMIT_TOO_LOW',
      metadata: { flag: '--max-txn-ops' },
    });
    const large = [0, 1, 2, 3].map(
      (i) => ({ op: 'put', key: `/k${i}`, value: new Uint8Array(1_500_000) }) as const,
    );
    const tooLarge = await store.transaction({ success: large }).catch((error: unknown) => error);
    expect(tooLarge).toMatchObject({
      reason: 'ETCD_LIMIT_TOO_LOW',
      metadata: { flag: '--max-request-bytes' },
    });
    expect((await store.list({ start: '' })).entries).toEqual([]);
    await store.close();
  });

  test('that asks who it talks to is told, or the daemon says that it was not accepted', async () => {
    await using servers = await startEtcd({ members: 1 });
    const endpoint = servers.endpoints[0]!;
    for (const [name, password] of [
      ['root', 'r'],
      ['tessera', 't'],
      ['stranger', 's'],
    ]) {
      await post(endpoint, 'auth/user/add', { name, password });
    }
    await post(endpoint, 'auth/role/add', { name: 'metadata' });
    const base64 = (value: string) => Buffer.from(value).toString('base64');
    const perm = { permType: 'READWRITE', key: base64('mine/'), range_end: base64('mine0') };
    await post(endpoint, 'auth/role/grant', { name: 'metadata', perm });
    await post(endpoint, 'auth/user/grant', { user: 'tessera', role: 'metadata' });
    await post(endpoint, 'auth/user/grant', { user: 'root', role: 'root' });
    await post(endpoint, 'auth/enable', {});
    const as = (username: string, password: string) =>
      open([endpoint], { prefix: 'mine', credentials: { username, password } });
    await expectReason(open([endpoint], { prefix: 'mine' }), 'ETCD_UNAUTHENTICATED');
    await expectReason(as('tessera', 'wrong'), 'ETCD_UNAUTHENTICATED');
    await expectReason(as('stranger', 's'), 'ETCD_PERMISSION_DENIED');
    const store = await as('tessera', 't');
    const { revision } = await put(store, '/a');
    const watch = collect(store, revision);
    await expect.poll(() => watch.seen).toEqual([`${revision} /a`]);
    await watch.stop();
    await store.close();
  });

  test('that others use too is watched no further than what is ours', async () => {
    await using servers = await startEtcd({ members: 1 });
    const [ours, theirs] = [await open(servers.endpoints), await open(servers.endpoints)];
    const { revision } = await put(ours, '/a', 'ours');
    await put(theirs, '/a', 'theirs');
    const newest = (await put(theirs, '/b')).revision;
    const seen: string[] = [];
    for await (const { revision: at, events } of ours.watch(
      { start: '' },
      { startRevision: revision },
    )) {
      for (const event of events) if (event.kind === 'put') seen.push(text(event.entry.value));
      // The mark of having caught up comes although the newest changes are not ours.
      if (events.length === 0) {
        expect(at).toBeGreaterThanOrEqual(newest);
        break;
      }
    }
    expect(seen).toEqual(['ours']);
    expect((await ours.list({ start: '' })).entries.map(({ key }) => key)).toEqual(['/a']);
    await ours.transaction({ success: [{ op: 'deleteRange', range: { start: '' } }] });
    expect((await theirs.list({ start: '' })).entries).toHaveLength(2);
    await ours.close();
    await theirs.close();
  });

  test('that is elsewhere in plain text is not talked to', async () => {
    await expectReason(open(['http://10.0.0.1:2379']), 'PLAINTEXT_REFUSED');
  });
});
