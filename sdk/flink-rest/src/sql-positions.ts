import type { ScriptPosition } from '@tessera/flink';

/** What went wrong with a statement, and where in its script. */
export interface PositionedFailure extends ScriptPosition {
  /** Its positions are those of the script. */
  readonly failure: string;
}

const position = /\bline (\d+), column (\d+)/;

/** Flink counts lines and columns from the beginning of a statement. Where it names none, it is where the statement begins. */
export function withScriptPositions(failure: string, statement: ScriptPosition): PositionedFailure {
  const [, line, column] = position.exec(failure) ?? [];
  const first =
    line === undefined
      ? { line: statement.line, column: statement.column }
      : inScript({ line: Number(line), column: Number(column) }, statement);
  const moved = failure.replaceAll(new RegExp(position, 'g'), (_, ...found) => {
    const at = inScript({ line: Number(found[0]), column: Number(found[1]) }, statement);
    return `line ${at.line}, column ${at.column}`;
  });
  return { ...first, failure: moved };
}

function inScript(at: ScriptPosition, statement: ScriptPosition): ScriptPosition {
  return {
    line: statement.line + at.line - 1,
    column: at.line === 1 ? statement.column + at.column - 1 : at.column,
  };
}
