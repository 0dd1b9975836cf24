import { fieldPath, type Json, type Resource } from './resource.ts';

/** What differs between two states of the same resources. */
export interface ResourceDiff {
  readonly kind: Resource['kind'];
  readonly name: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Empty for an added or removed resource. */
  readonly fields: readonly FieldDiff[];
}

/** `before` is absent for what was added, `after` for what was removed. */
export interface FieldDiff {
  /** Entries of a list are named by their name or alias where they have one: `dimensions[day].grain`. */
  readonly field: string;
  readonly before?: Json;
  readonly after?: Json;
}

/** How `after` differs from `before`, resource by resource in the order of kind and name. */
export function diffResources(
  before: readonly Resource[],
  after: readonly Resource[],
): ResourceDiff[] {
  const old = new Map(before.map((resource) => [keyOf(resource), resource]));
  const now = new Map(after.map((resource) => [keyOf(resource), resource]));
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .flatMap((key) => diffOf(old.get(key), now.get(key)));
}

/** The diff as lines for people: `+` added, `-` removed, `~` changed. Empty when nothing differs. */
export function printDiff(diffs: readonly ResourceDiff[]): string {
  return diffs.map((diff) => [title(diff), ...diff.fields.map(fieldLine)].join('\n')).join('\n');
}

const signs = { added: '+', removed: '-', changed: '~' } as const;

function title({ change, kind, name }: ResourceDiff): string {
  return `${signs[change]} ${kind} ${name}`;
}

function fieldLine({ field, before, after }: FieldDiff): string {
  if (before === undefined) return `    + ${field}: ${shown(after)}`;
  if (after === undefined) return `    - ${field}: ${shown(before)}`;
  if (isText(before) && isText(after)) return `    ~ ${field}:\n${changedLines(before, after)}`;
  return `    ~ ${field}: ${shown(before)} → ${shown(after)}`;
}

/** Of several lines. */
function isText(value: Json): value is string {
  return typeof value === 'string' && value.includes('\n');
}

/** What stands between the lines that are the same at the beginning and at the end of both. */
function changedLines(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const shorter = Math.min(old.length, now.length);
  let [first, last] = [0, 0];
  while (first < shorter && old[first] === now[first]) first++;
  while (last < shorter - first && old.at(-1 - last) === now.at(-1 - last)) last++;
  const gone = old.slice(first, old.length - last).map((line) => `      - ${line}`);
  const come = now.slice(first, now.length - last).map((line) => `      + ${line}`);
  return [...gone, ...come].join('\n');
}

function shown(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function keyOf({ kind, name }: Resource): string {
  return `${kind} ${name}`;
}

function diffOf(before: Resource | undefined, after: Resource | undefined): ResourceDiff[] {
  const { kind, name } = (after ?? before)!;
  if (before === undefined) return [{ kind, name, change: 'added', fields: [] }];
  if (after === undefined) return [{ kind, name, change: 'removed', fields: [] }];
  const fields = fieldDiffs(before.spec as unknown as Json, after.spec as unknown as Json, []);
  return fields.length === 0 ? [] : [{ kind, name, change: 'changed', fields }];
}

type Path = readonly string[];

function fieldDiffs(before: Json | undefined, after: Json | undefined, path: Path): FieldDiff[] {
  if (equal(before, after)) return [];
  const [old, now] = [entriesOf(before), entriesOf(after)];
  if (old !== undefined && now !== undefined && Array.isArray(before) === Array.isArray(after)) {
    const keys = new Set([...old.keys(), ...now.keys()]);
    const diffs = [...keys].flatMap((key) =>
      fieldDiffs(old.get(key), now.get(key), [...path, key]),
    );
    if (diffs.length > 0) return diffs;
  }
  const field = fieldPath(path).replaceAll('.[', '[');
  return [
    {
      field,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    },
  ];
}

/** Fields of a map, or entries of a list by name, alias or path; `undefined` for what has no parts to compare. */
function entriesOf(value: Json | undefined): ReadonlyMap<string, Json> | undefined {
  if (value === undefined || value === null || typeof value !== 'object') return undefined;
  if (!Array.isArray(value)) {
    return new Map(Object.entries(value).filter(([, field]) => field !== undefined));
  }
  const names = value.map(nameOf);
  if (names.includes(undefined) || new Set(names).size < names.length) return undefined;
  return new Map(value.map((item, i) => [`[${names[i]}]`, item]));
}

function nameOf(item: Json): string | undefined {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) return undefined;
  const { name, alias, path } = item as { name?: Json; alias?: Json; path?: Json };
  const found = name ?? alias ?? path;
  return typeof found === 'string' ? found : undefined;
}

function equal(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** With the fields of maps in one order, which has no meaning; that of lists has. */
function sorted(value: Json | undefined): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, sorted(field)]),
  );
}
