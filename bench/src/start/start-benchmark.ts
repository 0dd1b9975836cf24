import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { formatTable } from '@tessera/cli';
import type { Benchmark } from '../benchmark.ts';
import { treeRssBytes } from '../platform-process.ts';
import { median } from '../statistics.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const runs = 3;
const sampleIntervalMs = 50;

/** `npm start -- --once` as a user runs it: seconds, and the most memory that all its processes have at once. */
export const startBenchmark: Benchmark = {
  name: 'start',
  summary: "the README's first command: npm start -- --once",
  async run() {
    const figures: { seconds: number; peakRssBytes: number }[] = [];
    for (let run = 0; run < runs; run++) figures.push(await startOnce());
    const seconds = median(figures.map((f) => f.seconds));
    const megabytes = median(figures.map((f) => f.peakRssBytes)) / 1e6;
    console.log(
      formatTable(
        ['RUN', 'SECONDS', 'MB'],
        figures.map((f, i) => [
          String(i + 1),
          f.seconds.toFixed(1),
          (f.peakRssBytes / 1e6).toFixed(0),
        ]),
      ),
    );
    return {
      reach: [
        { id: 'start-seconds', value: seconds, op: '<=', target: 10, unit: 's' },
        { id: 'start-memory', value: megabytes, op: '<=', target: 600, unit: 'MB' },
      ],
      details: { figures },
    };
  },
};

async function startOnce(): Promise<{ seconds: number; peakRssBytes: number }> {
  const startedMs = performance.now();
  const child = spawn('npm', ['start', '--silent', '--', '--once'], { cwd: root, stdio: 'ignore' });
  let peakRssBytes = 0;
  const sampler = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, treeRssBytes(child.pid!));
  }, sampleIntervalMs);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearInterval(sampler);
  if (code !== 0) throw new Error(`npm start -- --once ended with ${code}`);
  return { seconds: (performance.now() - startedMs) / 1000, peakRssBytes };
}
