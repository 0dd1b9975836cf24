import type { TableConfig } from './config.ts';
import { inferType } from './infer-type.ts';

export interface CsvDialect {
  /** As `NativeLocation.options` has them. */
  readonly options: Readonly<Record<string, string>>;
  /** Names in the file, or column0, column1, … without a header; unique. */
  readonly names: readonly string[];
}

type Given = Pick<
  TableConfig,
  'delimiter' | 'quote' | 'escape' | 'header' | 'nullText' | 'dateFormat' | 'timestampFormat'
>;

/**
 * What was configured, and for the rest what the first lines of a file look like: the delimiter that cuts most
 * records into the same number (more than one) of values, and a header when nothing in the first record is a
 * number, a date or a truth value. Broken records are outvoted.
 */
export function csvDialect(lines: readonly string[], given: Given): CsvDialect {
  const quote = given.quote ?? '"';
  const delimiter = given.delimiter ?? likelyDelimiter(lines, quote);
  const first = recordsOf(lines, delimiter, quote)[0] ?? [];
  const header = given.header ?? looksLikeHeader(first);
  return {
    options: {
      delimiter,
      quote,
      escape: given.escape ?? quote,
      header: String(header),
      nullText: given.nullText,
      ...(given.dateFormat ? { dateFormat: given.dateFormat } : {}),
      ...(given.timestampFormat ? { timestampFormat: given.timestampFormat } : {}),
    },
    names: uniqueNames(first.map((value, i) => (header && value !== '' ? value : `column${i}`))),
  };
}

function likelyDelimiter(lines: readonly string[], quote: string): string {
  let best = { delimiter: ',', score: 0 };
  for (const delimiter of [',', ';', '\t', '|']) {
    const counts = new Map<number, number>();
    const records = recordsOf(lines, delimiter, quote);
    for (const record of records) counts.set(record.length, (counts.get(record.length) ?? 0) + 1);
    counts.delete(1);
    const score = Math.max(0, ...counts.values()) / Math.max(1, records.length);
    if (score > best.score) best = { delimiter, score };
  }
  return best.delimiter;
}

function looksLikeHeader(record: readonly string[]): boolean {
  return record.every((value) => {
    const { kind } = inferType([value], true).type;
    return kind === 'text' && !/^\s*[+-]?\d+\s*$/.test(value);
  });
}

function uniqueNames(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let i = 1; seen.has(unique.toLowerCase()); i++) unique = `${name}_${i}`;
    seen.add(unique.toLowerCase());
    return unique;
  });
}

/** Records of values, quotes removed. Lenient: a quote that is never closed ends with its line. */
function recordsOf(lines: readonly string[], delimiter: string, quote: string): string[][] {
  const records: string[][] = [];
  for (let i = 0; i < lines.length; i++) {
    let record = lines[i]!;
    const start = i;
    while (oddQuotes(record, quote) && i + 1 < lines.length) record += `\n${lines[++i]}`;
    if (oddQuotes(record, quote)) [record, i] = [lines[start]!, start];
    if (record !== '') records.push(valuesOf(record, delimiter, quote));
  }
  return records;
}

function oddQuotes(text: string, quote: string): boolean {
  return text.split(quote).length % 2 === 0;
}

function valuesOf(record: string, delimiter: string, quote: string): string[] {
  const values: string[] = [];
  let value = '';
  let quoted = false;
  let last = '';
  for (const character of record) {
    if (character === quote) {
      if (!quoted && last === quote) value += quote;
      quoted = !quoted;
    } else if (character === delimiter && !quoted) {
      values.push(value);
      value = '';
    } else value += character;
    last = character;
  }
  return [...values, value];
}
