import { mkdtempSync, rmSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  applyResources,
  buildSummary,
  exitCodeOf,
  formatCount,
  formatTable,
  ProgressBar,
  printFailure,
  processTerminal,
  readResources,
} from '@tessera/cli';
import { type Connection, connect, wait } from '@tessera/client';
import { jsonLogger } from '@tessera/daemon';
import { scheduler } from '@tessera/proto';
import { platformDefaults, startPlatform } from '@tessera/standalone';
import { ask, type Comparison } from './compare.ts';
import { questions } from './questions.ts';

const once = process.argv.includes('--once');
const data = join(dirname(findPackageJSON('vega-datasets', import.meta.url)!), 'data');
const terminal = processTerminal;
const say = (text: string) => terminal.out(`${text}\n`);
const mega = 1024 * 1024;

/** The main job on real data: model, build, ask eight questions both ways, and keep serving. */
async function main(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-flights-'));
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  try {
    await using platform = await startPlatform(
      {
        ...platformDefaults,
        dataDirectory: folder,
        address: once ? '127.0.0.1:0' : platformDefaults.address,
        cuboidMemoryBytes: 128 * mega,
        buildMemoryBytes: 256 * mega,
        queryMemoryBytes: 256 * mega,
        maintenanceIntervalMs: 0,
      },
      jsonLogger('tessera', 'warn'),
    );
    using client = connect(platform.address);
    await buildFlights(client);
    const same = await askAll(client);
    if (!once) {
      printHowToGoOn(platform.address);
      await stopped;
    }
    return same;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function buildFlights(client: Connection): Promise<void> {
  const file = join(import.meta.dirname, '..', 'flights.yaml');
  say(
    'Modelling three million flights and the airports they join (examples/flights/flights.yaml) …',
  );
  await applyResources(client, readResources([file]), { project: 'default', baseDirectory: data });
  const bar = new ProgressBar(terminal);
  const operation = await client.builds.buildSegments({ cube: 'projects/default/cubes/flights' });
  const done = await wait(client.operations, operation, {
    response: scheduler.BuildSegmentsResponse,
    onProgress: (progress) => bar.show(progress),
  });
  bar.clear();
  say(`${buildSummary(done)}\n`);
}

/** @returns whether all answers were the same both ways. */
async function askAll(client: Connection): Promise<boolean> {
  const comparisons: Comparison[] = [];
  for (const [i, question] of questions.entries()) {
    const comparison = await ask(client, question);
    comparisons.push(comparison);
    say(`${i + 1}. ${question.title}`);
    say(indent(formatTable(comparison.columns, comparison.rows.slice(0, 5))));
    if (comparison.rows.length > 5) say(`   … ${comparison.rows.length - 5} more rows\n`);
  }
  say('Through cuboids, and straight on the files:\n');
  say(
    formatTable(
      ['', 'QUESTION', 'ROWS', 'FROM', 'CUBOIDS', 'FILES', 'TIMES FASTER', 'ANSWERS'],
      comparisons.map(({ question, rows, origin, cuboidMs, sourceMs, same }, i) => [
        String(i + 1),
        question.title,
        formatCount(rows.length),
        origin,
        `${cuboidMs.toFixed(1)} ms`,
        `${sourceMs.toFixed(1)} ms`,
        (sourceMs / cuboidMs).toFixed(0),
        same ? 'equal' : 'DIFFERENT',
      ]),
    ),
  );
  const different = comparisons.filter(({ same }) => !same).length;
  say(
    different === 0
      ? `All ${comparisons.length} answers are equal both ways.`
      : `${different} answers DIFFER.`,
  );
  return different === 0;
}

function printHowToGoOn(address: string): void {
  say(`
Tessera is up on ${address}. In another terminal:

  npx tessera query "select origin, count(*) from flights group by 1 order by 2 desc limit 5"
  npx tessera explain "select origin, avg(distance) from flights group by 1"
  npx tessera segments flights
  examples/client-python/query ${address} "select extract(dow from date) as weekday, avg(delay) from flights group by 1"

Press Ctrl-C to stop. 'npx tessera up --data DIR' runs the same platform, empty and durable.`);
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '   ');
}

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  printFailure(error, terminal, false);
  process.exitCode = exitCodeOf(error);
}
