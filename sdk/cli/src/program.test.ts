import { afterEach, expect, test } from 'vitest';
import { createProgram } from './program.ts';

const exitCode = process.exitCode;
afterEach(() => {
  process.exitCode = exitCode;
});

test.each([
  { args: ['flink', 'job', 'rollback', 'sums', '--too', '9'], of: 'tessera flink job rollback' },
  { args: ['flink', 'job', 'rollback'], of: 'tessera flink job rollback' },
  { args: ['status', '--too'], of: 'tessera status' },
  { args: ['--too'], of: 'tessera' },
])('who gets "$args" wrong is shown the way to the help of $of', async ({ args, of }) => {
  let told = '';
  const err = (text: string) => {
    told += text;
  };
  const terminal = { interactive: false, columns: 100, out: err, err };
  const program = createProgram(terminal);
  await expect(program.parseAsync(args, { from: 'user' })).rejects.toThrow();
  expect(told).toContain(`(run '${of} --help' for `);
});
