import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeConnector } from '@tessera/testkit/contracts';
import { expect, test } from 'vitest';
import { LtsvConnector } from './ltsv-connector.ts';
import { config } from './plugin.ts';

const numbers = config.parse({
  tables: { numbers: { path: 'numbers.ltsv', columns: { n: 'bigint', word: 'text' } } },
});

describeConnector('ltsv', {
  async create() {
    const directory = mkdtempSync(join(tmpdir(), 'tessera-ltsv-'));
    const file = join(directory, 'numbers.ltsv');
    const line = (n: number) => (n % 7 === 0 ? `n:${n}` : `word:w${n % 10}\tn:${n}\tother:x`);
    writeFileSync(file, Array.from({ length: 5000 }, (_, n) => `${line(n)}\n`).join(''));
    return {
      connector: new LtsvConnector(numbers, directory),
      change: async () => appendFileSync(file, 'n:5000\n'),
      [Symbol.asyncDispose]: async () => rmSync(directory, { recursive: true, force: true }),
    };
  },
});

test('a line that does not parse ends the reading, with its place and label', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-ltsv-'));
  try {
    writeFileSync(join(directory, 'numbers.ltsv'), 'n:1\nn:many\n');
    const connector = new LtsvConnector(numbers, directory);
    const { splits } = await connector.plan({ table: 'numbers', columns: ['n'], predicates: [] });
    const reading = Array.fromAsync(connector.read(splits[0]!, new AbortController().signal));
    await expect(reading).rejects.toMatchObject({
      reason: 'LINE_UNREADABLE',
      metadata: { place: join(directory, 'numbers.ltsv:2'), label: 'n' },
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
