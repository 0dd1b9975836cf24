import type { DataType } from '@tessera/columnar';
import { isInteger, typeName } from '@tessera/sql';
import type { ModelTable, Partition } from '../model.ts';
import type { PartitionSpec } from '../model-spec.ts';
import { type DateFormat, parseDateFormat, tells } from '../time/date-format.ts';
import { isDaily } from '../time/period.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import type { Violations } from './violations.ts';

/** Most digits that each integer type surely holds. */
const digits = { smallint: 4, integer: 8, bigint: 18 } as const;

/** Binds the partition column: a column of the fact that is a time, or spells one by its format. */
export function resolvePartition(
  spec: PartitionSpec | undefined,
  fact: ModelTable,
  binder: ExpressionBinder,
  violations: Violations,
): Partition | undefined {
  if (spec === undefined) return undefined;
  const column = binder.bind(spec.column, 'partition.column', new Set([fact.alias]));
  if (column === undefined) return undefined;
  const before = violations.found.length;
  const { type } = column;
  if (type.kind === 'date' || type.kind === 'timestamp' || type.kind === 'timestamptz') {
    checkTime(spec, type, violations);
  } else if (isInteger(type) || type.kind === 'text') {
    checkFormat(spec, type, violations);
  } else {
    const description = `A partition column is a date, a timestamp, or an integer or text with a format; this is ${typeName(type)}.`;
    violations.add('partition.column', description);
  }
  if (violations.found.length > before) return undefined;
  const format = spec.format === undefined ? {} : { format: spec.format };
  return { column, grain: spec.grain, ...format };
}

function checkTime(spec: PartitionSpec, type: DataType, violations: Violations): void {
  if (spec.format !== undefined) {
    violations.add('partition.format', `A ${typeName(type)} needs no format; remove it.`);
  }
  if (type.kind === 'date' && !isDaily(spec.grain)) {
    violations.add('partition.grain', `A date has no ${spec.grain}; use day or coarser.`);
  }
}

function checkFormat(spec: PartitionSpec, type: DataType, violations: Violations): void {
  if (spec.format === undefined) {
    const description = `is missing: say how this ${typeName(type)} spells a date, for example yyyyMMdd.`;
    violations.add('partition.format', description);
    return;
  }
  const format = parseDateFormat(spec.format);
  if (format === undefined) {
    const description = `${spec.format} is not understood: use yyyy, MM, dd, HH, mm, ss in this order, for example yyyyMMdd.`;
    violations.add('partition.format', description);
  } else if (type.kind !== 'text' && !fits(format, type)) {
    const description = `${spec.format} does not fit into ${typeName(type)}: an integer has digits only, and not too many.`;
    violations.add('partition.format', description);
  } else if (!tells(format, spec.grain)) {
    const description = `${spec.format} does not tell one ${spec.grain} from the next; use ${format.finest} or coarser.`;
    violations.add('partition.grain', description);
  }
}

function fits(format: DateFormat, { kind }: DataType): boolean {
  return format.digitsOnly && format.pattern.length <= digits[kind as keyof typeof digits];
}

/** SQL for the date that a formatted column spells: `undefined` when it spells more than a date. */
export function dateOfFormat(column: string, partition: Partition): string | undefined {
  const format = parseDateFormat(partition.format ?? '');
  if (format === undefined || !isDaily(format.finest)) return undefined;
  const parts = isInteger(partition.column.type)
    ? integerParts(column, format)
    : textParts(column, format);
  return `make_date(${[...parts, '1', '1'].slice(0, 3).join(', ')})`;
}

function integerParts(column: string, format: DateFormat): string[] {
  const length = format.pattern.length;
  let end = 0;
  return format.parts.map(({ text }) => {
    end += text.length;
    const shifted = `((${column}\n) / ${10 ** (length - end)})`;
    return `cast(${end === text.length ? shifted : `(${shifted} % ${10 ** text.length})`} as integer)`;
  });
}

function textParts(column: string, format: DateFormat): string[] {
  let start = 1;
  return format.parts.flatMap(({ unit, text }) => {
    const part = `cast(substring((${column}\n), ${start}, ${text.length}) as integer)`;
    start += text.length;
    return unit === undefined ? [] : [part];
  });
}
