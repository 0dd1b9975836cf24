import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tessera } from '../lifecycle/command-line.ts';
import { writeModel, writeSales } from '../lifecycle/sales.ts';
import { applyFile, startTestPlatform } from '../test-platform.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-doctor-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const readBundle = () => JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));

describe('tessera doctor', () => {
  test('writes what a report needs, for its owner alone, without the secrets of logs', async () => {
    await using platform = await startTestPlatform();
    writeSales(folder);
    await applyFile(platform.client, writeModel(folder));
    await platform.client.deployments.createDeployment({
      deploymentId: 'cluster',
      deployment: {
        daemons: [
          {
            ...{ name: 'x', argv: ['true'], environment: { URL: 's3cr3t-3' } },
            files: [{ path: 'x.conf', content: 'user = s3cr3t-4' }],
            hosts: { hosts: ['hosts/none'] },
          },
        ],
      },
    });
    const line = JSON.stringify({ level: 30, token: 's3cr3t-1', msg: 'logged in by s3cr3t-1' });
    writeFileSync(join(folder, 'tessera.log'), `${line}\nplain password=s3cr3t-2 line\n`);
    const args = ['doctor', 'report.json', '--log', 'tessera.log', '--json'];
    const done = await tessera(args, { cwd: folder, address: platform.address });
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(done.out)).toMatchObject({ file: 'report.json' });
    const bundle = readBundle();
    expect(bundle).toMatchObject({
      format: 1,
      degraded: [{ reason: 'CUBE_WITHOUT_SEGMENTS', subject: 'sales' }],
      store: { driver: 'sqlite' },
      deployments: [{ daemons: [{ files: [{ path: 'x.conf' }] }] }],
      resources: { sources: [{ name: 'projects/default/sources/shop' }] },
      logs: { 'tessera.log': [{ msg: 'logged in by [removed]' }, 'plain password=[removed] line'] },
    });
    expect(JSON.stringify(bundle)).not.toContain('s3cr3t');
    expect(statSync(join(folder, 'report.json')).mode & 0o777).toBe(0o600);
  });

  test('writes what it can have when the platform is away, and why it has no more', async () => {
    const done = await tessera(['doctor', 'report.json'], { cwd: folder });
    expect(done.code).toBe(0);
    expect(readBundle()).toMatchObject({
      versions: { node: expect.any(String) },
      error: expect.stringContaining('Is the platform running there?'),
    });
  });
});
