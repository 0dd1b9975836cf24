import { readFileSync } from 'node:fs';
import { resourceIdOf } from '@tessera/base';
import { type DaemonWork, explain, formatDaemonWork, query, queryStream } from '@tessera/client';
import { formatValue, rowsOf, type Schema, type Value } from '@tessera/columnar';
import { type Command, Option } from 'commander';
import { positiveNumber, readText, wholeNumber } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import type { Runner } from '../runner.ts';
import { formatCount, formatMicros, formatTable, toJson } from '../table.ts';

interface QueryFlags {
  readonly timeout?: string;
  readonly cuboids: 'auto' | 'never' | 'always';
  readonly maxRows?: string;
  readonly zone?: string;
}

/** query and explain. */
export function queryCommands(program: Command, run: Runner): void {
  program
    .command('query')
    .description('run a SELECT and print its rows and what they rest on')
    .argument('<sql>', "SQL, '-' for standard input, or @file")
    .addOption(
      new Option('--cuboids <use>', 'never: only the source; always: never the source')
        .choices(['auto', 'never', 'always'])
        .default('auto'),
    )
    .option('--timeout <seconds>', 'give up after this time')
    .option('--max-rows <count>', 'refuse larger answers')
    .option('--zone <name>', 'time zone of the session, such as Europe/Berlin')
    .addHelpText(
      'after',
      "\nExample:\n  tessera query 'select origin, count(*) from flights group by 1 order by 2 desc limit 5'\n",
    )
    .action(
      run(async (context, sql: string, flags: QueryFlags) => {
        await printAnswer(context, textOf(sql), flags);
      }),
    );

  program
    .command('explain')
    .description(
      'say how a SELECT would be answered: every cuboid, why it is taken or not, and what would help',
    )
    .argument('<sql>', "SQL, '-' for standard input, or @file")
    .option('--analyze', 'run it as well, and say what each storage daemon did for it')
    .addHelpText(
      'after',
      "\nExample:\n  tessera explain --analyze 'select origin, count(*) from flights group by 1'\n",
    )
    .action(
      run(async (context, sql: string, { analyze = false }: { readonly analyze?: boolean }) => {
        if (analyze) {
          await printAnalysis(context, textOf(sql));
          return;
        }
        const explanation = await explain(context.client.queries, textOf(sql), {
          project: context.project,
          signal: context.signal,
        });
        context.say(explanation.text.trimEnd(), explanation);
      }),
    );
}

async function printAnalysis(context: CommandContext, sql: string): Promise<void> {
  const { project, signal } = context;
  const options = context.options.json ? 'analyze, format json' : 'analyze';
  const statement = `explain (${options}) ${sql}`;
  const { rows } = await query(context.client.queries, statement, { project, signal });
  context.terminal.out(`${rows.flat().join('\n')}\n`);
}

async function printAnswer(context: CommandContext, sql: string, flags: QueryFlags): Promise<void> {
  const stream = await queryStream(context.client.queries, sql, {
    project: context.project,
    signal: context.signal,
    useCuboids: flags.cuboids,
    ...(flags.timeout === undefined
      ? {}
      : { timeoutMs: positiveNumber(flags.timeout, '--timeout') * 1000 }),
    ...(flags.maxRows === undefined
      ? {}
      : { maxRows: BigInt(wholeNumber(flags.maxRows, '--max-rows', { min: 1 })) }),
    ...(flags.zone === undefined ? {} : { timeZone: flags.zone }),
  });
  const rows: (string | null)[][] = [];
  for await (const batch of stream) {
    for (const row of rowsOf(batch)) rows.push(printable(row, stream.schema));
  }
  const summary = stream.summary();
  if (context.options.json) {
    const columns = stream.schema.map(({ name, type }) => ({ name, type }));
    context.terminal.out(toJson({ columns, rows, summary }));
    return;
  }
  context.terminal.out(
    formatTable(
      stream.schema.map(({ name }) => name),
      rows.map((row) => row.map((cell) => cell ?? 'NULL')),
    ),
  );
  const { blocks, sourceTables } = summary.coverage;
  const cuboids = blocks.map(({ cube, segments, pushedDown }) => {
    if (cube === '') return 'a snapshot'; // Of a cube whose facts the caller does not see.
    const holes = pushedDown.length > 0 ? ` and ${pushedDown.length} ranges from the source` : '';
    return `${segments.length} segments of ${resourceIdOf(cube)}${holes}`;
  });
  const origin = [...cuboids, ...sourceTables.map((table) => `source ${table}`)].join(', ');
  for (const work of summary.daemonWork.filter(wasTrouble)) {
    for (const line of formatDaemonWork(work)) context.terminal.err(`${line}\n`);
  }
  for (const note of summary.notes) context.terminal.err(`note: ${note}\n`);
  if (summary.rejectedRows > 0n) {
    const rows = formatCount(summary.rejectedRows);
    context.terminal.err(`note: ${rows} rows of the source did not parse and are left out\n`);
  }
  context.terminal.err(
    `${rows.length} rows in ${formatMicros(summary.timings.totalMicros)} from ${origin || 'no table'}\n`,
  );
}

/** What went well is told by EXPLAIN ANALYZE and in JSON. */
function wasTrouble({ attempt, outcome }: DaemonWork): boolean {
  return attempt !== 'first' || outcome !== 'answered';
}

function printable(row: readonly Value[], schema: Schema): (string | null)[] {
  return row.map((value, i) => (value === null ? null : formatValue(schema[i]!.type, value)));
}

function textOf(argument: string): string {
  if (argument === '-') return readFileSync(0, 'utf8');
  return argument.startsWith('@') ? readText(argument.slice(1)) : argument;
}
