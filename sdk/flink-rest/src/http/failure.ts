/** Longest failure that is handed on. Traces of Flink have hundreds of lines. */
const maxLength = 1_000;

/** Begins the trace of a process that was asked in turn; the innermost one knows best. */
const elsewhere = '<Exception on server side:';
const causedBy = 'Caused by: ';

/** What went wrong, out of the traces that Flink answers with: the innermost cause, in one line. */
export function failureOf(errors: readonly string[]): string {
  const trace = errors.at(-1)?.split(elsewhere).at(-1) ?? '';
  const lines = trace.split('\n').map((line) => line.trim());
  const cause = lines.findLast((line) => line.startsWith(causedBy))?.slice(causedBy.length);
  const said = cause ?? lines.find((line) => line !== '') ?? 'it does not say why';
  return said.slice(0, maxLength);
}
