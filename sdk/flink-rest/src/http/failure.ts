/** Longest failure that is handed on. Traces of Flink have hundreds of lines. */
const maxLength = 1_000;

/** What went wrong, out of the traces that Flink answers with: the innermost cause, in one line. */
export function failureOf(errors: readonly string[]): string {
  const text = errors.at(-1) ?? '';
  const lines = text.split('\n').map((line) => line.trim());
  const cause = lines.findLast((line) => line.startsWith('Caused by: '));
  const first = lines.find((line) => line !== '' && !line.startsWith('<Exception on server side'));
  const said = cause?.slice('Caused by: '.length) ?? first ?? 'it does not say why';
  return said.slice(0, maxLength);
}
