/** Longest failure that is handed on. Traces of Flink have hundreds of lines. */
const maxLength = 1_000;

/** Begins the trace of a process that was asked in turn; the innermost one knows best. */
const elsewhere = '<Exception on server side:';
const causedBy = 'Caused by: ';

/** Where in a statement it is wrong: the innermost cause leaves it out at times. */
const hasPosition = /\bline \d+, column \d+/;

/** What went wrong, out of the traces that Flink answers with: the innermost cause, or the innermost one that says where, in one line. */
export function failureOf(errors: readonly string[]): string {
  const trace = errors.at(-1)?.split(elsewhere).at(-1) ?? '';
  const lines = trace.split('\n').map((line) => line.trim());
  const causes = lines.filter((line) => line.startsWith(causedBy));
  const cause = causes.findLast((line) => hasPosition.test(line)) ?? causes.at(-1);
  const said =
    cause?.slice(causedBy.length) ?? lines.find((line) => line !== '') ?? 'it does not say why';
  return said.slice(0, maxLength);
}
