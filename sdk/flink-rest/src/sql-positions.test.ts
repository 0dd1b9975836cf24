import { expect, test } from 'vitest';
import { withScriptPositions } from './sql-positions.ts';

const at = { line: 3, column: 5 };

test.each<[string, string, line: number, column: number]>([
  ['it has no room', 'it has no room', 3, 5],
  ['Encountered "x" at line 1, column 8.', 'Encountered "x" at line 3, column 12.', 3, 12],
  [
    "From line 2, column 1 to line 2, column 7: Object 'a' not found",
    "From line 4, column 1 to line 4, column 7: Object 'a' not found",
    4,
    1,
  ],
])('%s: as of the script, %s', (said, failure, line, column) => {
  expect(withScriptPositions(said, at)).toEqual({ failure, line, column });
});
