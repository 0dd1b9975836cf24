/**
 * Writes what a real PostgreSQL answers into the `.slt` files: types and rows of each query, also of new ones that have
 * none yet (`query ? rowsort`). Run it after adding queries:
 *
 *     npx node --conditions=tessera-source test/src/slt/fill.ts
 */
import { writeFileSync } from 'node:fs';
import { startPostgres } from '@tessera/testkit/postgres';
import { printSlt, type SltFile } from '@tessera/testkit/slt';
import { askPostgres, lettersOf, loadShop, sltFiles } from './shop.ts';

const postgres = startPostgres();
try {
  loadShop(postgres);
  for (const { path, file } of sltFiles()) writeFileSync(path, printSlt(filled(file)));
} finally {
  postgres.stop();
}

function filled({ name, items }: SltFile): SltFile {
  const asked = items.flatMap((item) => (item.kind === 'query' ? [item] : []));
  const answers = new Map(askPostgres(postgres, asked).map((answer, i) => [asked[i], answer]));
  return {
    name,
    items: items.map((item) => {
      if (item.kind !== 'query') return item;
      const answer = answers.get(item)!;
      if (answer.error !== undefined) throw new Error(`${name}:${item.line}: ${answer.error}`);
      const rows = item.order === 'rowsort' ? answer.rows.toSorted(byText) : answer.rows;
      return { ...item, types: lettersOf(answer), rows };
    }),
  };
}

function byText(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  const [x, y] = [JSON.stringify(a), JSON.stringify(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}
