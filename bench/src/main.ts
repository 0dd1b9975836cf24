import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { formatTable, toJson } from '@tessera/cli';
import { type Benchmark, isMet, type Reach } from './benchmark.ts';
import { benchmarks } from './benchmarks.ts';

/** `npm run bench -- NAME [options] --json FILE`: prints a table, and writes what a machine can read. */
async function main(argv: readonly string[]): Promise<number> {
  const { name, file, rest } = readArguments(argv);
  const benchmark = benchmarks.find((candidate) => candidate.name === name);
  if (benchmark === undefined) {
    console.error(`Which benchmark? ${usage(benchmarks)}`);
    return 2;
  }
  const load = loadavg();
  const { reach, details } = await benchmark.run(rest);
  console.log(reachTable(reach));
  const report = { name, commit: commit(), machine: machine(), load, reach, ...details };
  if (file !== undefined) writeFileSync(file, toJson(report));
  return 0;
}

function readArguments(argv: readonly string[]) {
  const [name, ...rest] = argv;
  const at = rest.indexOf('--json');
  if (at < 0) return { name, file: undefined, rest };
  return { name, file: rest[at + 1], rest: rest.toSpliced(at, 2) };
}

function usage(all: readonly Benchmark[]): string {
  const lines = all.map(({ name, summary }) => `  npm run bench -- ${name}   ${summary}`);
  return `\n${lines.join('\n')}\nEach takes --json FILE.`;
}

function reachTable(reach: readonly Reach[]): string {
  return formatTable(
    ['FIGURE', 'VALUE', 'GOAL', 'UNIT', '', 'RIVAL', 'ITS VALUE'],
    reach.map((figure) => [
      figure.id,
      shown(figure.value),
      `${figure.op} ${figure.target}`,
      figure.unit,
      isMet(figure) ? 'met' : 'NOT met',
      figure.rival ?? '',
      figure.rivalValue === undefined ? '' : shown(figure.rivalValue),
    ]),
  );
}

function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

function machine() {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
  };
}

process.exitCode = await main(process.argv.slice(2));
