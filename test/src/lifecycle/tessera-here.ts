import { createProgram } from '@tessera/cli';
import type { Outcome } from './command-line.ts';

/** A command in this process: what it prints where nobody types, and the exit code that it asks for. */
export async function tesseraHere(address: string, args: readonly string[]): Promise<Outcome> {
  const written = { out: '', err: '' };
  const writer = (to: 'out' | 'err') => (text: string) => {
    written[to] += text;
  };
  const terminal = { interactive: false, columns: 100, out: writer('out'), err: writer('err') };
  const before = process.exitCode;
  process.exitCode = 0;
  await createProgram(terminal).parseAsync(['--address', address, ...args], { from: 'user' });
  const code = Number(process.exitCode);
  process.exitCode = before;
  return { code, ...written };
}
