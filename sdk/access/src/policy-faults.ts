import { type FieldViolation, messageOf, nearestName } from '@tessera/base';
import type { TableDefinition } from '@tessera/sql';
import { bindMask, bindRows } from './bind-rule.ts';
import type { ColumnRule } from './rules.ts';

/** What a policy says of its table, its columns in the order in which they are written. */
export interface PolicyRules {
  readonly rows?: string;
  readonly columns: readonly { readonly name: string; readonly rule: ColumnRule }[];
}

/** Everything of a policy that does not fit the table as it is. Such a policy denies its role the table. */
export function policyFaults(
  { rows, columns }: PolicyRules,
  definition: TableDefinition,
): readonly FieldViolation[] {
  const ofRows = rows === undefined ? [] : faultOf('rows', () => bindRows(definition, rows));
  const ofColumns = columns.flatMap(({ name, rule }, i) => {
    const field = definition.columns.find((one) => one.name === name);
    if (field === undefined) {
      const names = definition.columns.map((column) => column.name);
      return [unknownName(`columns[${i}].column`, 'column', name, names)];
    }
    if (rule.kind !== 'masked') return [];
    return faultOf(`columns[${i}].mask`, () => bindMask(definition, field, rule.mask));
  });
  return [...ofRows, ...ofColumns];
}

/** A name that there is not, with the one that was probably meant or those that there are. */
export function unknownName(
  field: string,
  what: string,
  name: string,
  known: readonly string[],
): FieldViolation {
  const near = nearestName(name, known);
  const shown = near === undefined ? `there are ${known.slice(0, 20).join(', ')}` : undefined;
  const hint = shown ?? `did you mean ${near}`;
  return {
    field,
    description: `There is no ${what} ${name}${known.length === 0 ? '' : `; ${hint}`}.`,
  };
}

function faultOf(field: string, bind: () => unknown): readonly FieldViolation[] {
  try {
    bind();
    return [];
  } catch (error) {
    return [{ field, description: messageOf(error) }];
  }
}
