import type { DataType } from '@tessera/columnar';

/** What a column was taken for, and why, in words for the user. */
export interface InferredType {
  readonly type: DataType;
  readonly why: string;
}

type Text = string | null;

interface Candidate {
  readonly name: string;
  readonly accepts: (text: string) => boolean;
  readonly type: (texts: readonly string[], complete: boolean) => DataType | undefined;
}

const integerPattern = /^\s*[+-]?(0|[1-9]\d*)\s*$/;
const numberPattern = /^\s*[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$/;
const datePattern = /^\d{4}-\d{2}-\d{2}$/;
const timestampPattern = /^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?$/;
const zonePattern = /^(.+?)\s?(Z|[+-]\d{2}(:?\d{2})?)$/;
const timePattern = /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?$/;

const candidates: readonly Candidate[] = [
  { name: 'boolean', accepts: (t) => /^(true|false)$/i.test(t), type: () => ({ kind: 'boolean' }) },
  { name: 'integer', accepts: (t) => integerPattern.test(t), type: integerType },
  { name: 'number', accepts: (t) => numberPattern.test(t), type: () => ({ kind: 'double' }) },
  { name: 'date', accepts: isDate, type: () => ({ kind: 'date' }) },
  { name: 'timestamp', accepts: isTimestamp, type: () => ({ kind: 'timestamp' }) },
  {
    name: 'timestamp with time zone',
    accepts: (t) => isTimestamp(zonePattern.exec(t)?.[1] ?? ''),
    type: () => ({ kind: 'timestamptz' }),
  },
  { name: 'time', accepts: (t) => timePattern.test(t), type: () => ({ kind: 'time' }) },
];

/**
 * The narrowest type that takes every value of the sample; text when none does. `complete`: the sample is all
 * there is, so the width of integers is known; else a bigint leaves room for what was not seen.
 */
export function inferType(sample: readonly Text[], complete: boolean): InferredType {
  const texts = sample.filter((text) => text !== null);
  const of = complete ? `all ${texts.length} values` : `the first ${texts.length} values`;
  if (texts.length === 0) return { type: { kind: 'text' }, why: 'no values were seen' };
  for (const candidate of candidates) {
    if (!texts.every(candidate.accepts)) continue;
    const type = candidate.type(texts, complete);
    if (type === undefined) continue;
    return { type, why: `${of} read as ${candidate.name}, for example ${quoted(texts[0]!)}` };
  }
  return { type: { kind: 'text' }, why: whyText(sample, texts) };
}

/** Names the value that rules out what most values look like. */
function whyText(sample: readonly Text[], texts: readonly string[]): string {
  const leadingZero = texts.find((text) => /^\s*[+-]?0\d/.test(text));
  if (leadingZero !== undefined && texts.every((text) => /^\s*[+-]?\d+\s*$/.test(text))) {
    return `a number would lose the leading zero of ${quoted(leadingZero)}`;
  }
  let best: { candidate: Candidate; count: number } | undefined;
  for (const candidate of candidates) {
    const count = texts.filter(candidate.accepts).length;
    if (count > (best?.count ?? 0)) best = { candidate, count };
  }
  if (best === undefined || best.count === texts.length)
    return `${quoted(texts[0]!)} is plain text`;
  const row = sample.findIndex((text) => text !== null && !best.candidate.accepts(text));
  return `${quoted(sample[row]!)} (row ${row + 1} of the sample) is no ${best.candidate.name}, though ${best.count} of ${texts.length} values are`;
}

function integerType(texts: readonly string[], complete: boolean): DataType | undefined {
  if (texts.some((text) => text.trim().length > 39)) return undefined;
  let most = 0n;
  for (const text of texts) {
    const value = BigInt(text.trim().replace('+', ''));
    const size = value < 0n ? -value - 1n : value;
    if (size > most) most = size;
  }
  if (most < 1n << 31n && complete) return { kind: 'integer' };
  if (most < 1n << 63n) return { kind: 'bigint' };
  return most < 10n ** 38n ? { kind: 'numeric', precision: 38, scale: 0 } : undefined;
}

function isDate(text: string): boolean {
  if (!datePattern.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isTimestamp(text: string): boolean {
  if (!timestampPattern.test(text) || !isDate(text.slice(0, 10))) return false;
  const [hour, minute, second] = text.slice(11).split(':').map(Number);
  return hour! < 24 && minute! < 60 && (second ?? 0) < 60;
}

function quoted(text: string): string {
  return `'${text.length > 40 ? `${text.slice(0, 40)}…` : text}'`;
}
