import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestCluster } from '@tessera/testkit/cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HostsOfGuide } from './hosts-of-guide.ts';
import { missingOutput, stepsOf, titleOf } from './runnable.ts';

/** docs/guide/cluster.md is followed to the letter on three hosts, each a network namespace. */
const page = 'docs/guide/cluster.md';
const root = join(import.meta.dirname, '..', '..', '..');
const unusable = TestCluster.unusable();

describe.skipIf(unusable !== undefined)(page, () => {
  const steps = stepsOf(readFileSync(join(root, page), 'utf8'));
  let folder = '';
  let hosts: HostsOfGuide;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-cluster-guide-'));
    hosts = new HostsOfGuide(folder, root);
  });
  afterAll(async () => {
    await hosts?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test.for(steps.map((step) => [titleOf(step), step] as const))(
    '%s',
    { timeout: 240_000 },
    async ([, step]) => {
      if (step.kind === 'file') return hosts.writeShared(step.name, step.text);
      const printed = await hosts.follow(step);
      const missing = missingOutput(step.output ?? '', printed);
      expect(missing, `is promised, but was printed:\n${printed}`).toBeUndefined();
    },
  );
});
