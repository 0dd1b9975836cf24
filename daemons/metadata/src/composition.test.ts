import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { clientsBy, connect } from '@tessera/client';
import { expectReason } from '@tessera/testkit/contracts';
import { afterAll, describe, expect, test } from 'vitest';
import { composeMetadata } from './composition.ts';
import { cube, inProcess, seed, segment } from './fixture.ts';

const directory = mkdtempSync(join(tmpdir(), 'tessera-daemon-'));
const children = new Set<ChildProcess>();
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

/** Starts `main.ts` in a process of its own; resolves when it serves. */
async function startProcess(file: string) {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--conditions=tessera-source', main, '--file', file, '--address', '127.0.0.1:0'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  children.add(child);
  const exit = once(child, 'exit');
  let errors = '';
  for await (const line of createInterface({ input: child.stderr })) {
    const found = /"address":"([^"]+)"/.exec(line);
    if (found) return { child, exit, errors, address: found[1]! };
    errors += line;
  }
  return { child, exit, errors, address: undefined };
}

describe('the metadata daemon', () => {
  test('has everything again after a restart', async () => {
    const store = { driver: 'sqlite', file: join(directory, 'restart.db') } as const;
    const before = await (async () => {
      await using daemon = await composeMetadata({ store });
      const clients = clientsBy(inProcess(daemon.services));
      await seed(clients);
      await clients.segments.publishSegments({ parent: cube, segments: [segment('jan', 0, 31)] });
      return await clients.segments.listSegments({ parent: cube });
    })();
    await using daemon = await composeMetadata({ store });
    await expectReason(composeMetadata({ store }), 'STORE_LOCKED');
    const clients = clientsBy(inProcess(daemon.services));
    expect(await clients.segments.listSegments({ parent: cube })).toEqual(before);
    const status = await clients.maintenance.getStoreStatus({});
    expect(status).toMatchObject({ driver: 'sqlite', revision: before.revision });
    expect(status.sizeBytes).toBeGreaterThan(0n);
  });

  test('runs alone, refuses a second one on its file, and keeps what was acknowledged when killed', async () => {
    const file = join(directory, 'alone.db');
    const first = await startProcess(file);
    {
      using clients = connect(first.address!);
      await clients.projects.createProject({ projectId: 'kept' });
    }
    const second = await startProcess(file);
    expect(second.errors).toContain('STORE_LOCKED');
    expect((await second.exit)[0]).toBe(1);
    first.child.kill('SIGKILL');
    await first.exit;

    const third = await startProcess(file);
    {
      using clients = connect(third.address!);
      const kept = await clients.projects.getProject({ name: 'projects/kept' });
      expect(kept.name).toBe('projects/kept');
    }
    third.child.kill('SIGTERM');
    expect((await third.exit)[0]).toBe(0);
  });
});
