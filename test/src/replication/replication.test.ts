import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { query } from '@tessera/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { answers, cube, expected } from '../lifecycle/sales.ts';
import { reasonOf } from '../lifecycle/scratch-platform.ts';
import { buildAll } from '../test-platform.ts';
import { ReplicatedCluster } from './replicated-cluster.ts';

// Daemons start as processes and wait for leases to run out, which takes long on a busy machine.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
const patience = { timeout: 90_000, interval: 100 };

let cluster: ReplicatedCluster;
let right: string[][];

beforeAll(async () => {
  cluster = await ReplicatedCluster.open();
  await Promise.all(['a', 'b', 'c'].map((node) => cluster.startNode(node)));
  await cluster.startScheduler('scheduler-1');
  await cluster.applySales(4);
  right = await expected(cluster.folder);
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

/** By cuboids alone, so that a segment that is away is not made good by the source. */
async function expectRight(): Promise<void> {
  const found = await answers(cluster.client, 'always');
  expect(found.map(({ rows }) => rows)).toEqual(right);
}

const sha256Of = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** All segments are on two of the nodes. */
const spreadOver = async (nodes: readonly string[]) => {
  const segments = await cluster.segments();
  return segments.every(
    ({ replicas }) => replicas.length === 2 && replicas.every((node) => nodes.includes(node)),
  );
};

/** Asks again and again until the condition holds; every answer is right. */
async function expectRightUntil(condition: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + patience.timeout;
  do {
    await expectRight();
    if (performance.now() > endMs) throw new Error('what is waited for does not come');
  } while (!(await condition()));
}

describe('three storage nodes', () => {
  test('hold every segment of a build twice when it is published, and any question is answered', async () => {
    await buildAll(cluster.client, cube);
    const segments = await cluster.segments();
    expect(segments.length).toBeGreaterThan(4);
    for (const { replicas } of segments) expect(replicas).toHaveLength(2);
    expect(await cluster.missing()).toEqual([]);
    expect(await cluster.recordedNodes()).toEqual(['a', 'b', 'c']);
    await expect.poll(() => reasonOf(expectRight()), patience).toBe('no failure');
  });

  test('put a whole copy in the place of one that was damaged', async () => {
    const { path, digest } = await cluster.damageSomething();
    await expectRightUntil(async () => existsSync(path));
    expect(sha256Of(path)).toBe(digest);
  });

  test('put a whole copy in the place of one that has rotted in deep storage', async () => {
    await expect.poll(() => reasonOf(cluster.deepCopy()), patience).toBe('no failure');
    const { path, digest } = await cluster.deepCopy();
    writeFileSync(path, 'rotten');
    const isMended = () => existsSync(path) && sha256Of(path) === digest;
    await expect.poll(isMended, patience).toBe(true);
    await expect.poll(() => reasonOf(cluster.deepCopy()), patience).toBe('no failure');
    expect(readdirSync(join(cluster.folder, 'deep', 'quarantine'))).toEqual([]);
  });

  test('answer while one of them is dead, and have its segments twice again', async () => {
    await cluster.kill('b');
    await expectRightUntil(() => spreadOver(['a', 'c']));
    expect(await cluster.missing()).toEqual([]);
    await expectRight();
  });

  test('share with one that joins, and move nothing else', async () => {
    const before = await cluster.segments();
    await cluster.startNode('d');
    await expectRightUntil(async () => (await cluster.recordedNodes()).includes('d'));
    await expectRightUntil(() => spreadOver(['a', 'c', 'd']));
    const after = new Map((await cluster.segments()).map(({ name, replicas }) => [name, replicas]));
    for (const { name, replicas } of before) {
      const stayed = replicas.filter((node) => after.get(name)!.includes(node));
      expect(stayed.length, name).toBeGreaterThanOrEqual(1);
    }
    expect(await cluster.missing()).toEqual([]);
  });

  test('empty one that is drained, also when the leader is killed in the midst of it', async () => {
    await cluster.startScheduler('scheduler-2');
    const before = await cluster.segments();
    await cluster.drain('a', true);
    const moved = async () => {
      const now = await cluster.segments();
      return now.some((segment) => before.every(({ etag }) => etag !== segment.etag));
    };
    await expect.poll(moved, { ...patience, interval: 10 }).toBe(true);
    await cluster.kill('scheduler-1');
    await expectRightUntil(async () => !(await cluster.recordedNodes()).includes('a'));
    const removable = async () => {
      const { nodes } = await cluster.client.replication.getReplication({});
      return nodes.filter((node) => node.removable && node.draining).map(({ node }) => node);
    };
    await expect.poll(removable, patience).toEqual(['storageNodes/a']);
    await cluster.kill('a');
    expect(await spreadOver(['c', 'd'])).toBe(true);
    await expectRightUntil(async () => true);
  });

  test('refuse what none of them can answer, and name whom they asked; nothing is left out', async () => {
    await cluster.kill('c');
    await cluster.kill('d');
    const asked = query(cluster.client.queries, 'select count(*) from sales', {
      useCuboids: 'always',
    });
    await expect(asked).rejects.toMatchObject({
      reason: 'SEGMENT_UNREACHABLE',
      metadata: { asked: expect.stringMatching(/c \(.*d \(/) },
    });
    await cluster.startNode('c');
    await expect.poll(() => reasonOf(expectRight()), patience).toBe('no failure');
  });
});
