import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { formatTable } from '@tessera/cli';
import { type BenchmarkResult, isMet, type Reach } from './benchmark.ts';

/** What a benchmark run leaves behind. */
export interface BenchReport {
  readonly name: string;
  /** Of the sources; `+` after it: with changes that are not committed. */
  readonly commit: string;
  readonly machine: string;
  /** Load average of the last minute when it began and when it ended: a busy machine is slow. */
  readonly load: readonly [before: number, after: number];
  readonly startTime: string;
  readonly seconds: number;
  readonly reach: readonly Reach[];
  readonly details: Readonly<Record<string, unknown>>;
}

/** Runs and measures around it what makes its figures comparable. */
export async function reportOf(
  name: string,
  run: () => Promise<BenchmarkResult>,
): Promise<BenchReport> {
  const startTime = new Date().toISOString();
  const before = loadavg()[0]!;
  const startedMs = performance.now();
  const result = await run();
  return {
    name,
    commit: commitOf(),
    machine: machineOf(),
    load: [before, loadavg()[0]!],
    startTime,
    seconds: (performance.now() - startedMs) / 1000,
    ...result,
  };
}

export function formatReach(reach: readonly Reach[]): string {
  const headings = ['ID', 'VALUE', 'TARGET', 'UNIT', 'RIVAL', 'REACHED'];
  const rows = reach.map((each) => [
    each.id,
    shortNumber(each.value),
    `${each.op} ${shortNumber(each.target)}`,
    each.unit,
    each.rival === undefined ? '' : `${each.rival} ${shortNumber(each.rivalValue ?? Number.NaN)}`,
    isMet(each) ? 'yes' : 'NO',
  ]);
  return formatTable(headings, rows);
}

function shortNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

function machineOf(): string {
  const [cpu] = cpus();
  const gigabytes = (totalmem() / 2 ** 30).toFixed(1);
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}, ${gigabytes} GiB, Node ${process.version}, ${process.platform}`;
}

function commitOf(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, {
        encoding: 'utf8',
        cwd: import.meta.dirname,
        stdio: 'pipe',
      }).trim();
    const dirty = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+';
    return `${git('rev-parse', 'HEAD')}${dirty}`;
  } catch {
    return 'unknown'; // Unpacked from an archive.
  }
}
