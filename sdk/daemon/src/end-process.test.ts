import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

/** As commands may, it ends when what it holds outside of the heap makes a garbage collection due. */
const ending = `
import { endProcess } from ${JSON.stringify(import.meta.resolve('./end-process.ts'))};
process.on('exit', (code) => console.log('exit', code));
console.log('starts');
globalThis.kept = Array.from({ length: 40 }, () => new ArrayBuffer(1 << 24));
process.exitCode = 3;
endProcess();
`;

/**
 * V8's other threads allocate all the time, as they do now and then when they compile: of ten processes that exit so,
 * three or more stay for ever.
 */
const unlucky = ['--stress-concurrent-allocation'];
const runs = 12;

describe('a process that ends', () => {
  test('is never kept by threads that wait for it, and tells its exit code and who listens', async () => {
    const file = script(ending);
    for (let run = 0; run < runs; run++) {
      expect(await ended([...unlucky, file])).toEqual({ code: 3, out: 'starts\nexit 3\n' });
    }
  }, 120_000);

  test.runIf(process.platform === 'linux')(
    'leaves a pipe as it found it for who writes to it next',
    async () => {
      const file = script(ending);
      const next = `"$0" "$1"; grep flags /proc/self/fdinfo/1`;
      const { out } = await ended(['-c', next, process.execPath, file], '/bin/sh');
      const flags = /flags:\s+0*([0-7]+)/.exec(out)?.[1];
      expect(Number.parseInt(flags ?? '4000', 8) & 0o4000).toBe(0);
    },
  );
});

function script(source: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-end-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'script.ts');
  writeFileSync(file, source);
  return file;
}

async function ended(args: readonly string[], command = process.execPath) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  const [code] = await once(child, 'close');
  return { code, out };
}
