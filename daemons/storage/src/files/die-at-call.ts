import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

type Change = (...args: never[]) => Promise<unknown>;

/**
 * For processes that a test runs: from here on the process dies by SIGKILL right before or after the given call, counted
 * from 1, that changes the file system. Modules that are to die so are imported afterwards. Gives the calls until now.
 */
export function dieAtCall(callNumber: number, moment: string): () => number {
  const changing = fs as unknown as Record<string, Change>;
  let calls = 0;
  for (const name of ['mkdir', 'rename', 'rm', 'open']) {
    const original = changing[name]!;
    changing[name] = async (...args) => {
      calls++;
      const dies = calls === callNumber;
      if (dies && moment === 'before') process.kill(process.pid, 'SIGKILL');
      const result = await original(...args);
      if (dies) process.kill(process.pid, 'SIGKILL');
      return result;
    };
  }
  syncBuiltinESMExports();
  return () => calls;
}
