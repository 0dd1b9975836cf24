import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ScalingInput } from '@tessera/scaling';
import { afterAll, describe, expect, test } from 'vitest';
import { StrategyRunner, VetoRunner } from './plugin-runners.ts';
import { type PluginThreadOptions, pluginThreadDefaults } from './plugin-thread.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-runners-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A package as a stranger would write it, without dependencies. */
function packageOf(kind: 'strategy' | 'veto', name: string, create: string): void {
  const at = join(folder, 'node_modules', name);
  mkdirSync(at, { recursive: true });
  const manifest = {
    name,
    version: '1.0.0',
    type: 'module',
    exports: { '.': './index.js', './package.json': './package.json' },
    tessera: { apiVersion: 1, kind },
  };
  writeFileSync(join(at, 'package.json'), JSON.stringify(manifest));
  const config = '{ safeParse: (data) => ({ success: true, data }) }';
  writeFileSync(
    join(at, 'index.js'),
    `export const plugin = { kind: '${kind}', name: '${name}', apiVersion: 1, config: ${config}, create: () => (${create}) };`,
  );
}

const options: PluginThreadOptions = {
  ...pluginThreadDefaults,
  workDirectory: join(folder, 'work'),
  logLevel: 'silent',
};
const decision = `{ action: { kind: 'hold' }, reasons: [{ code: 'OK', message: 'Fine.' }], options: [], learned: (learned ?? 0) + 1 }`;
const input: ScalingInput = {
  nowMs: 0,
  topology: { vertices: [], edges: [] },
  parallelism: {},
  runningSinceMs: 0,
  samples: [],
  rescales: [],
  maxLagMs: 1,
};

function strategy(name: string, decide: string, changes: Partial<PluginThreadOptions> = {}) {
  packageOf('strategy', name, `{ decide: (input, learned) => { ${decide} } }`);
  const entry = { kind: 'strategy', name, use: name, config: {}, baseDirectory: folder } as const;
  return new StrategyRunner(entry, { ...options, ...changes });
}

describe('a strategy in a thread of its own', () => {
  test('decides with what it had learned', async () => {
    await using runner = strategy('counting', `return ${decision};`);
    const learned = await Promise.all([runner.ask(input, undefined), runner.ask(input, '41')]);
    expect(learned).toMatchObject([
      { kind: 'decided', decision: { learned: 1 } },
      { kind: 'decided', decision: { learned: 42 } },
    ]);
  });

  test('that loops is ended at its deadline, and asked again in a new thread', async () => {
    const loop = `if (learned === 'loop') for (;;) {} return ${decision};`;
    await using runner = strategy('looping', loop, { deadlineMs: 2_000 });
    const [hung, next] = await Promise.all([runner.ask(input, '"loop"'), runner.ask(input, '1')]);
    expect(hung).toMatchObject({ kind: 'failed', code: 'STRATEGY_TIMED_OUT' });
    expect(next).toMatchObject({ kind: 'decided', decision: { learned: 2 } });
  });

  test.each([
    { why: 'throws', decide: `throw new Error('out of ideas');`, says: 'out of ideas' },
    { why: 'answers what is no data', decide: 'return () => 1;', says: 'could not be cloned' },
    { why: 'answers later', decide: 'return Promise.resolve(1);', says: 'could not be cloned' },
    {
      why: 'ends the process that it believes to be its own',
      decide: 'process.exit(3);',
      says: 'ended',
    },
  ])('that $why has failed, and is asked again', async ({ why, decide, says }) => {
    const name = `failing-${why.replaceAll(' ', '-')}`;
    await using runner = strategy(name, `if (learned === 0) { ${decide} } return ${decision};`);
    const failed = await runner.ask(input, '0');
    expect(failed).toMatchObject({
      code: 'STRATEGY_FAILED',
      message: expect.stringContaining(says),
    });
    expect(await runner.ask(input, '1')).toMatchObject({ kind: 'decided' });
  });

  test('that takes all memory is ended before the daemon is', async () => {
    const eat = 'const all = []; for (;;) all.push(new Array(10000).fill(0.5));';
    await using runner = strategy('greedy', eat, { memoryMb: 32, deadlineMs: 60_000 });
    expect(await runner.ask(input, undefined)).toMatchObject({ kind: 'failed' });
  });

  test('that is not installed says what to do', async () => {
    const entry = {
      kind: 'strategy',
      name: 's',
      use: 'absent',
      config: {},
      baseDirectory: folder,
    } as const;
    await using runner = new StrategyRunner(entry, options);
    const failed = await runner.ask(input, undefined);
    expect(failed).toMatchObject({ message: expect.stringContaining('npm install absent') });
  });
});

describe('a veto in a thread of its own', () => {
  const proposal = { input, parallelism: {}, slots: 0, reasons: [] };

  test.each([
    { review: 'return { allowed: true };', answer: { allowed: true } },
    { review: 'for (;;) {}', answer: { failed: expect.stringContaining('no answer within') } },
    { review: 'return 7;', answer: { failed: 'it gives no answer' } },
    { review: `throw new Error('no calendar');`, answer: { failed: 'it threw: no calendar' } },
  ])('that does: $review', async ({ review, answer }) => {
    const name = `veto-${review.length}`;
    packageOf('veto', name, `{ review: () => { ${review} } }`);
    const entry = { kind: 'veto', name, use: name, config: {}, baseDirectory: folder } as const;
    await using runner = new VetoRunner(entry, { ...options, deadlineMs: 2_000 });
    expect(await runner.ask(proposal)).toEqual({ veto: name, answer });
  });
});
