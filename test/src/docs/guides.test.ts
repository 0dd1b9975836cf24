import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../free-ports.ts';
import { missingOutput, stepsOf, titleOf } from './runnable.ts';
import { endedWithin, killBelow, type Shell, shell, stop } from './shell.ts';

/** The documentation is followed to the letter, in an empty folder, against real processes. */
const root = join(import.meta.dirname, '..', '..', '..');
const pages = [
  'README.md',
  'docs/guide/modelling.md',
  'docs/guide/explain.md',
  'docs/guide/operations.md',
  'docs/guide/backup.md',
  'docs/guide/upgrade.md',
  'docs/guide/plugins.md',
  'docs/guide/hosts.md',
  'docs/guide/security.md',
  'docs/guide/flink-resources.md',
  'docs/guide/scaling.md',
];
/** How long one block may take. */
const blockMs = 110_000;
/** The address that the pages name; each page is run on a free port. */
const documentedAddress = '127.0.0.1:7400';
/** Ports of the hosts of a page. */
const portsOfHosts = 10;

describe.each(pages)('%s', (page) => {
  const steps = stepsOf(readFileSync(join(root, page), 'utf8'));
  const platforms: Shell[] = [];
  const daemons: Shell[] = [];
  let folder = '';
  let address = documentedAddress;
  let firstPort: number;

  beforeAll(async () => {
    firstPort = await freePorts(portsOfHosts);
    folder = mkdtempSync(join(tmpdir(), 'tessera-docs-'));
    for (const name of ['node_modules', 'examples', 'proto', '.cache'])
      symlinkSync(join(root, name), join(folder, name));
  });
  afterAll(async () => {
    await Promise.all(daemons.map(stop));
    await Promise.all(platforms.map(stop));
    killBelow(folder);
    rmSync(folder, { recursive: true, force: true });
  });

  test.for(steps.map((step) => [titleOf(step), step] as const))(
    '%s',
    { timeout: blockMs + 10_000 },
    async ([, step], { skip }) => {
      if (step.kind === 'file') {
        const file = join(folder, step.name);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, step.text);
        return;
      }
      const { needs } = step;
      skip(needs !== undefined && !isInstalled(needs), `${needs} is not installed`);
      const script = step.script.replaceAll(documentedAddress, address);
      if (step.isPlatform) {
        await Promise.all(platforms.splice(0).map(stop));
        const platform = shell(`exec ${script.trim()} --port 0`, folder, address);
        platforms.push(platform);
        address = await platform.untilPrinted(/Tessera is up on (127\.0\.0\.1:\d+)/);
        return;
      }
      if (step.isBackground) {
        await Promise.all(daemons.splice(0).map(stop));
        const ports = `--port 0 --ports ${firstPort}-${firstPort + portsOfHosts - 1}`;
        const daemon = shell(`exec ${script.trim()} ${ports}`, folder, address);
        daemons.push(daemon);
        await daemon.untilPrinted(/ is up on (127\.0\.0\.1:\d+)/);
        return;
      }
      const block = shell(`set -e\n${script}`, folder, address);
      const { code, printed } = await endedWithin(block, blockMs);
      expect(code, printed).toBe(0);
      const missing = missingOutput(
        step.output ?? '',
        printed.replaceAll(address, documentedAddress),
      );
      expect(missing, `is promised, but was printed:\n${printed}`).toBeUndefined();
    },
  );
});

function isInstalled(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}
