import { existsSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { Code, TesseraError } from '@tessera/base';
import { fieldFromProto } from '@tessera/client';
import { decodeArrow, formatValue, rowsOf } from '@tessera/columnar';
import { printResources, type Resource } from '@tessera/cube';
import type { Command } from 'commander';
import { applyResources } from '../apply.ts';
import type { Runner } from '../runner.ts';
import { formatCount, formatTable } from '../table.ts';

/** import: files become tables of a source, with the inferred types and the first rows shown. */
export function importCommand(program: Command, run: Runner): void {
  program
    .command('import')
    .description('make tables of CSV, JSON or Parquet files and show what they hold')
    .argument('<files...>', 'each becomes a table named after it; quote globs')
    .option('--source <name>', 'name of the source', 'files')
    .option('--print', 'print the YAML instead of applying it', false)
    .addHelpText(
      'after',
      '\nExample:\n  tessera import orders.csv customers.parquet --source shop\n',
    )
    .action(
      run(async (context, files: string[], options: { source: string; print: boolean }) => {
        const resource = sourceOf(options.source, files);
        if (options.print) {
          context.terminal.out(printResources([resource]));
          return;
        }
        const parsed = { resource, file: 'import', positions: new Map() };
        const { project } = context.options;
        await applyResources(context.client, [parsed], { project, baseDirectory: process.cwd() });
        for (const table of tableNames(files)) {
          const preview = await context.client.queries.previewTable({
            project: context.project,
            source: options.source,
            table,
            maxRows: 5,
          });
          const fields = (preview.table?.schema?.fields ?? []).map(fieldFromProto);
          if (context.options.json) continue;
          const { rowCount, rejectedRows = 0n } = preview.table ?? {};
          const counts = [
            ...(rowCount === undefined ? [] : [`${formatCount(rowCount)} rows`]),
            ...(rejectedRows > 0n ? [`${formatCount(rejectedRows)} rows rejected`] : []),
          ];
          context.terminal.out(
            `${options.source}.${table}${counts.length > 0 ? `: ${counts.join(', ')}` : ''}\n`,
          );
          const rows = preview.batches.flatMap((batch) => rowsOf(decodeArrow(batch.arrowIpc)));
          context.terminal.out(
            `${formatTable(
              fields.map(({ name, type }) => `${name} ${type.kind}`),
              rows.map((row) =>
                row.map((value, i) => (value === null ? '' : formatValue(fields[i]!.type, value))),
              ),
            )}\n`,
          );
        }
        if (context.options.json)
          context.say('', { source: options.source, tables: tableNames(files) });
      }),
    );
}

function sourceOf(name: string, files: readonly string[]): Resource {
  const tables = files.map((file, i) => {
    const path = resolve(file);
    if (!/[*?[]/.test(file) && !existsSync(path)) throw fileMissing(file);
    return [tableNames(files)[i]!, { path }] as const;
  });
  return {
    kind: 'Source',
    name,
    spec: { use: '@tessera/connector-files', config: { tables: Object.fromEntries(tables) } },
  };
}

/** `Sales 2024.csv` → `sales_2024`. */
function tableNames(files: readonly string[]): string[] {
  return files.map((file) =>
    basename(file, extname(file))
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^_+|_+$/g, ''),
  );
}

function fileMissing(file: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FILE_UNREADABLE',
    message: `${file} does not exist.`,
    metadata: { file },
  });
}
