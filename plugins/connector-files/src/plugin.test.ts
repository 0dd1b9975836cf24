import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDb, quoteText } from '@tessera/duckdb';
import { type ConnectorSubject, describeConnector } from '@tessera/testkit/contracts';
import { type FilesConnector, filesConfig, plugin } from './index.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const numbers = Array.from({ length: 5000 }, (_, n) => ({
  n,
  word: n % 7 === 0 ? null : `w${n % 10}`,
}));

const writers: Readonly<Record<string, (path: string) => Promise<void>>> = {
  csv: (path) =>
    writeFile(path, `n,word\n${numbers.map(({ n, word }) => `${n},${word ?? ''}\n`).join('')}`),
  // With a record that does not parse, so that the slower, checking scan is what is tested.
  'broken.csv': (path) =>
    writeFile(
      path,
      `n,word\nx,w1\n${numbers.map(({ n, word }) => `${n},${word ?? ''}\n`).join('')}`,
    ),
  ndjson: (path) => writeFile(path, numbers.map((row) => `${JSON.stringify(row)}\n`).join('')),
  json: (path) => writeFile(path, JSON.stringify(numbers)),
  parquet: async (path) => {
    await using database = await DuckDb.open({ memoryLimitBytes: 128 << 20 });
    await database.execute(
      `COPY (SELECT i AS n, CASE WHEN i % 7 <> 0 THEN 'w' || (i % 10) END AS word FROM range(5000) AS t(i)) TO ${quoteText(path)} (FORMAT parquet)`,
    );
  },
};

for (const [format, write] of Object.entries(writers)) {
  describeConnector(`files (${format})`, {
    create: async (): Promise<ConnectorSubject> => {
      const directory = await mkdtemp(join(tmpdir(), 'connector-files-'));
      const path = join(directory, `numbers.${format}`);
      await write(path);
      const columns = format === 'parquet' ? {} : { n: 'bigint' };
      const connector = (await plugin.create({
        config: filesConfig.parse({ tables: { numbers: { path: `numbers.${format}`, columns } } }),
        name: 'files',
        log,
        baseDirectory: directory,
        workDirectory: join(directory, 'work'),
      })) as FilesConnector;
      return {
        connector,
        change: () => appendFile(path, '\n'),
        [Symbol.asyncDispose]: async () => {
          await connector[Symbol.asyncDispose]();
          await rm(directory, { recursive: true, force: true });
        },
      };
    },
  });
}
