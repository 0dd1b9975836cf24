import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flinkFolder, loadJobJar } from '@tessera/testkit/flink';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const isInstalled = flinkFolder() !== undefined && loadJobJar() !== undefined;
/** Until the size has followed the load up and down, which takes minutes on a busy machine. */
const isLong = process.env['TESSERA_LONG'] === '1';

/** A line of the chart that knows what is read and which slots the job has: `0:12  356 ██  310  0  31%  1  ■□`. */
const measured = /^ *-?\d+:\d\d +[\d,]+ [█▏▎▍▌▋▊▉]* +[\d,]+ +[\d,]+ +\d+% +\d+.* ■+□*$/m;
const followed = /» [2-6] slots by scaling: Records [\s\S]*» \d slots? by scaling: Fewer /;

test.skipIf(!isInstalled)(
  'the example brings up a job, shows what it does, and leaves nothing behind when it is interrupted (scripts/install-test-deps.sh)',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-example-'));
    const program = [join(root, 'scripts/run.mjs'), join(import.meta.dirname, 'main.ts')];
    const child = spawn(process.execPath, [...program, '--seconds', '900'], {
      env: { ...process.env, TMPDIR: folder },
      detached: true, // So that it can be interrupted as a terminal does it: with all that it shows.
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(child, 'exit');
    try {
      const found = await printed(child.stdout, isLong ? followed : measured);
      expect(found).toMatch(/^\$ tessera flink up job.yaml\njob waves: RUNNING$/m);
      process.kill(-child.pid!, 'SIGINT');
      expect(await exit).toEqual([130, null]);
      expect(readdirSync(folder)).toEqual([]);
      await expect.poll(() => commandsWith(folder)).toEqual([]);
    } finally {
      if (child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid!, 'SIGTERM');
        await exit;
      }
      rmSync(folder, { recursive: true, force: true });
    }
  },
  isLong ? 900_000 : 400_000,
);

/** What is printed until it has what is expected; reading goes on afterwards. @throws Error when it ends before */
function printed(output: NodeJS.ReadableStream, expected: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    output.setEncoding('utf8');
    output.on('data', (chunk) => {
      text += chunk;
      if (expected.test(text)) resolve(text);
    });
    output.on('end', () => reject(new Error(`It has ended, and printed:\n${text}`)));
  });
}

/** Command lines of processes that name a folder. */
function commandsWith(folder: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const commands = pids.flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
    } catch {
      return []; // It has ended.
    }
  });
  return commands.filter((command) => command.includes(folder));
}
