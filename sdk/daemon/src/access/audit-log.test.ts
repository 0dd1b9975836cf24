import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditLog } from './audit-log.ts';

let folder: string;
let log: AuditLog;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-audit-'));
  log = new AuditLog(folder, new ManualClock());
});
afterEach(() => {
  log[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

function records(): readonly unknown[] {
  const [file] = readdirSync(folder);
  const lines = readFileSync(join(folder, file!), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

describe('the audit log', () => {
  test('writes down a call as it was', () => {
    const call = { user: 'ann', method: '/a/B', projects: ['p', 'q'], outcome: 'ALLOWED' };
    log.record({ ...call, sql: 'select 1' });
    log.record({ ...call, sql: undefined });
    const time = expect.any(String);
    expect(records()).toEqual([
      { time, ...call, sql: 'select 1' },
      { time, ...call },
    ]);
  });

  test('cuts whatever is long', () => {
    const long = 'x'.repeat(1_000_000);
    const projects = Array.from({ length: 10_000 }, (_, i) => `${i}-${long.slice(0, 1_000)}`);
    log.record({ user: long, method: long, projects, sql: long, outcome: long });
    const [record] = records() as [Record<string, string | string[]>];
    expect(record.user).toBe('x'.repeat(256));
    expect(record.method).toBe('x'.repeat(256));
    expect(record.outcome).toBe('x'.repeat(256));
    expect(record.sql).toBe('x'.repeat(4_096));
    expect(record.projects).toEqual(projects.slice(0, 64).map((one) => one.slice(0, 256)));
  });
});
