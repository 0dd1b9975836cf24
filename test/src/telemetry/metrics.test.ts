import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { query } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { runHost } from '@tessera/host';
import {
  type PlatformConfig,
  type PlatformSeams,
  platformDefaults,
  startPlatform,
} from '@tessera/standalone';
import { type Meter, type MetricDefinition, noMeter } from '@tessera/telemetry';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const page = readFileSync(
  join(import.meta.dirname, '..', '..', '..', 'docs', 'reference', 'metrics.md'),
  'utf8',
);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-metrics-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function platform(settings: Partial<PlatformConfig> = {}, seams: PlatformSeams = {}) {
  const config = { ...platformDefaults, dataDirectory: folder, address: '127.0.0.1:0' };
  return startPlatform({ ...config, ...settings }, undefined, seams);
}

describe('the metrics', () => {
  test('that the page lists are exactly those that the daemons register', async () => {
    const registered: MetricDefinition[] = [];
    const note = <Made>(made: (metric: MetricDefinition) => Made) => {
      return (metric: MetricDefinition): Made => {
        registered.push(metric);
        return made(metric);
      };
    };
    const meter: Meter = {
      counter: note(noMeter.counter),
      histogram: note(noMeter.histogram),
      gauge: note((metric) => noMeter.gauge(metric, () => [])),
    };
    await using running = await platform({}, { meter });
    const addresses = { address: '127.0.0.1:0', metadataAddress: running.address, meter };
    const config = { name: 'a', directory: join(folder, 'host') };
    await using _ = await runHost(config, addresses, silentLogger);
    const rows = registered.map(({ name, kind, unit, labels, help }) =>
      [
        `| \`${name}\``,
        kind,
        unit,
        labels.map((label) => `\`${label}\``).join(', '),
        `${help} |`,
      ].join(' | '),
    );
    const listed = page.split('\n').filter((line) => line.startsWith('| `tessera_'));
    expect([...rows].sort()).toEqual([...listed].sort());
  });

  test('tell of statements, and are served at /metrics alone', async () => {
    const telemetry = { metricsAddress: '127.0.0.1:0' };
    await using running = await platform({ telemetry });
    const { client, metricsAddress } = running;
    const source = { name: 'projects/default/sources/s', connector: '@tessera/connector-files' };
    await client.projects.createProject({ projectId: 'default', project: {} });
    await client.sources.createSource({
      parent: 'projects/default',
      sourceId: 's',
      source: { ...source, config: { tables: {} }, baseDirectory: folder },
    });
    await query(client.queries, 'select 1');
    const missing = query(client.queries, 'select * from nobody');
    await expect(missing).rejects.toMatchObject({ reason: 'UNKNOWN_TABLE' });
    const scraped = await (await fetch(`http://${metricsAddress}/metrics`)).text();
    expect(scraped).toContain('tessera_queries_total{outcome="OK",plan="constant"} 1\n');
    expect(scraped).toContain('tessera_queries_total{outcome="UNKNOWN_TABLE",plan="none"} 1\n');
    expect(scraped).toContain('tessera_query_duration_seconds_count{plan="constant"} 1\n');
    expect(scraped).toMatch(/tessera_metadata_transactions_total\{outcome="committed"\} [1-9]/);
    expect(scraped).toMatch(/tessera_layouts_memory_budget_bytes [1-9]/);
    for (const [, name] of scraped.matchAll(/^# TYPE (\S+)/gm)) {
      expect(page).toContain(`\`${name}\``);
    }
    expect((await fetch(`http://${metricsAddress}/`)).status).toBe(404);
  });

  test('tell that the scheduler leads, and how many operations of each kind run', async () => {
    await using running = await platform({ telemetry: { metricsAddress: '127.0.0.1:0' } });
    const scrape = async () => (await fetch(`http://${running.metricsAddress}/metrics`)).text();
    await expect.poll(scrape).toContain('tessera_scheduler_leader 1\n');
    const scraped = await scrape();
    for (const kind of ['build', 'refresh', 'merge', 'drop', 'plan', 'maintenance']) {
      expect(scraped).toContain(`tessera_operations_running{kind="${kind}"} `);
    }
  });

  test.each([
    { metricsAddress: '0.0.0.0:0', reason: 'TELEMETRY_ADDRESS_REFUSED' },
    { metricsAddress: 'metrics.example:9464', reason: 'TELEMETRY_ADDRESS_REFUSED' },
  ])('are not served on $metricsAddress', async ({ metricsAddress, reason }) => {
    await expect(platform({ telemetry: { metricsAddress } })).rejects.toMatchObject({ reason });
  });
});
