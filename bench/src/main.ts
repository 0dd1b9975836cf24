import { writeFileSync } from 'node:fs';
import { formatTable, toJson } from '@tessera/cli';
import { benchmarks } from './benchmarks.ts';
import { formatReach, reportOf } from './report.ts';

/** `npm run bench -- NAME [options] [--json FILE]`: runs one, prints what it measured, writes what a machine can read. */
async function main(argv: readonly string[]): Promise<number> {
  const { name, file, rest } = readArguments(argv);
  const benchmark = benchmarks.find((candidate) => candidate.name === name);
  if (benchmark === undefined) {
    console.error(`Which benchmark? npm run bench -- NAME [options] [--json FILE]\n\n${usage()}`);
    return 2;
  }
  const { details, ...report } = await reportOf(benchmark.name, () => benchmark.run(rest));
  console.log(`\n${formatReach(report.reach)}\n`);
  const [before, after] = report.load.map((load) => load.toFixed(1));
  console.log(`commit ${report.commit}, ${report.machine}, load ${before} to ${after}`);
  if (file !== undefined) writeFileSync(file, toJson({ ...report, ...details }));
  return 0;
}

function readArguments([name, ...rest]: readonly string[]) {
  const at = rest.indexOf('--json');
  if (at < 0) return { name, file: undefined, rest };
  return { name, file: rest[at + 1], rest: rest.toSpliced(at, 2) };
}

function usage(): string {
  return formatTable(
    ['NAME', 'MEASURES'],
    benchmarks.map(({ name, summary }) => [name, summary]),
  );
}

process.exitCode = await main(process.argv.slice(2));
