import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, runTool } from './run-tool.ts';

/** What a cluster's namespaces, devices and folders begin with; the process that made them comes next. */
export const namePrefix = 'tsh';
export const folderPrefix = 'tessera-hosts-';

/** Removes what networks and clusters left behind whose process was killed, and ends what still runs in them. */
export function removeAbandoned(): void {
  const named = new RegExp(`\\b${namePrefix}(\\d+)[a-j](?:-\\w+|[oi]\\b)`, 'g');
  for (const [name, pid] of mustRun('ip', 'netns', 'list').matchAll(named)) {
    if (!isGone(pid!)) continue;
    const running = mustRun('ip', 'netns', 'pids', name).split('\n').filter(Boolean);
    if (running.length > 0) runTool('kill', ['-9', ...running]);
    runTool('ip', ['netns', 'del', name]);
  }
  for (const [name, pid] of mustRun('ip', '-o', 'link', 'show').matchAll(named)) {
    if (isGone(pid!)) runTool('ip', ['link', 'del', name]);
  }
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${folderPrefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || !isGone(pid)) continue;
    const folder = join(tmpdir(), name);
    const mounted = mustRun('mount', '-t', 'tmpfs').matchAll(/ on (\S+) type /g);
    for (const [, at] of mounted) {
      if (at!.startsWith(`${folder}/`)) runTool('umount', ['--lazy', at!]);
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

function isGone(pid: string): boolean {
  return !runTool('kill', ['-0', pid]).succeeded;
}
