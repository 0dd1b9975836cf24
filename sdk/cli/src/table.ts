/** Rows as text under their headings; columns that hold only numbers (or NULL) are aligned to the right. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, i) =>
    lines.reduce((widest, line) => Math.max(widest, widthOf(line[i] ?? '')), 0),
  );
  const numeric = headings.map(
    (_, i) => rows.length > 0 && rows.every((row) => isNumber(row[i] ?? '')),
  );
  const print = (line: readonly string[]) =>
    headings
      .map((_, i) => pad(line[i] ?? '', widths[i]!, numeric[i]!))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return `${[print(headings), rule, ...rows.map(print)].join('\n')}\n`;
}

function isNumber(text: string): boolean {
  return text === '' || text === 'NULL' || /^[-+]?[\d,.]+( ?(B|kB|MB|GB|TB|ms|s|%))?$/.test(text);
}

function widthOf(text: string): number {
  return [...text].length;
}

function pad(text: string, width: number, right: boolean): string {
  const blank = ' '.repeat(Math.max(0, width - widthOf(text)));
  return right ? blank + text : text + blank;
}

export function formatBytes(bytes: bigint | number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export function formatCount(count: bigint | number): string {
  return count.toLocaleString('en-US');
}

export function formatMicros(micros: bigint | number): string {
  const value = Number(micros);
  if (value < 1_000_000) return `${(value / 1000).toFixed(1)} ms`;
  return `${(value / 1_000_000).toFixed(1)} s`;
}

/** 2001-03-01 or 2001-03-01 12:00:00, in UTC. */
export function formatTime(micros: bigint): string {
  const text = new Date(Number(micros / 1000n)).toISOString().slice(0, 19).replace('T', ' ');
  return text.endsWith(' 00:00:00') ? text.slice(0, 10) : text;
}

/** JSON with bigints as numbers where they are exact, as text otherwise. */
export function toJson(value: unknown): string {
  const replace = (_: string, item: unknown) => {
    if (typeof item !== 'bigint') return item;
    const number = Number(item);
    return Number.isSafeInteger(number) ? number : String(item);
  };
  return `${JSON.stringify(value, replace, 2)}\n`;
}
