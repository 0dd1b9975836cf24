import { seededRandom } from '@tessera/base';
import { expect, test } from 'vitest';
import type { FlinkJobSpec } from '../spec/job-spec.ts';
import { FakeFlink, onlyVertex } from './fake-flink.ts';
import { specDigest } from './identity.ts';
import { emptyJournal, type JobJournal } from './journal.ts';
import { nextJobAction, type WantedJob } from './next-job-action.ts';

const specOf = (rest: Partial<FlinkJobSpec> = {}, version = 1): FlinkJobSpec => ({
  cluster: 'c',
  program: { kind: 'jar', jar: 'j' },
  parallelism: 2,
  upgradeMode: 'savepoint',
  state: 'running',
  rollback: true,
  configuration: { version: String(version) },
  ...rest,
});

/** Asks, writes and acts; each of them may be the last thing that it does before it starts again. */
class Reconciler {
  journal: JobJournal = emptyJournal;
  readonly flink: FakeFlink;

  constructor(flink: FakeFlink) {
    this.flink = flink;
  }

  /** True while there is something to do or to wait for. */
  pass(
    wanted: WantedJob,
    crash: 'before writing' | 'before acting' | 'never',
    between = () => {},
  ): boolean {
    const decision = nextJobAction(
      wanted,
      this.flink.observe(this.journal.deployed?.jobId),
      this.journal,
    );
    if (crash === 'before writing') return true;
    this.journal = decision.journal;
    if (crash === 'before acting') return true;
    between();
    if (decision.step !== undefined) this.flink.act(decision.step);
    return decision.step !== undefined || decision.waitsFor !== undefined;
  }
}

/** One schedule of what is wanted, crashes and misfortunes, drawn from a seed. */
function simulate(seed: number) {
  const random = seededRandom(seed);
  const { next, pick, integer } = random;
  const flink = new FakeFlink(random);
  const reconciler = new Reconciler(flink);
  let version = 1;
  let wanted: WantedJob = { uid: `u${seed}`, spec: specOf() };
  for (let turn = 0; turn < 60; turn++) {
    if (next() < 0.08) {
      if (next() < 0.5) version++;
      if (next() < 0.2) flink.bad.add(version + 1);
      const slots = integer(1, 4);
      const size = { parallelism: { [onlyVertex]: slots }, slots };
      const { savepointRequest } = wanted;
      wanted = {
        uid: wanted.uid,
        ...(savepointRequest !== undefined && { savepointRequest }),
        ...(next() < 0.5 && { size }),
        spec: specOf(
          {
            parallelism: integer(1, 4),
            state: pick(['running', 'running', 'suspended']),
            upgradeMode: pick(['savepoint', 'last-state']),
          },
          version,
        ),
      };
    }
    if (next() < 0.1) wanted = { ...wanted, savepointRequest: `r${turn}` };
    flink.happen();
    const crash = pick([
      'before writing',
      'before acting',
      'never',
      'never',
      'never',
      'never',
    ] as const);
    reconciler.pass(wanted, crash, () => {
      if (next() < 0.2) flink.happen();
    });
    if (flink.alive().length > 1) flink.violations.push('two attempts run');
  }
  flink.bad.clear();
  let passes = 0;
  for (let quiet = 0; quiet < 3 && passes < 300; passes++) {
    flink.heal();
    const before = JSON.stringify(reconciler.journal);
    const isBusy = reconciler.pass(wanted, 'never');
    quiet = !isBusy && before === JSON.stringify(reconciler.journal) ? quiet + 1 : 0;
    if (flink.alive().length > 1) flink.violations.push('two attempts run');
  }
  return { flink, reconciler, wanted, passes };
}

function check(seed: number): void {
  const { flink, reconciler, wanted, passes } = simulate(seed);
  const say = `seed ${seed}`;
  expect(flink.violations, say).toEqual([]);
  const spec = wanted.spec!;
  const { journal } = reconciler;
  expect(new Set(flink.requested).size, `${say} savepoints`).toBe(flink.requested.length);
  if (spec.state === 'suspended') {
    expect(flink.alive(), say).toEqual([]);
    return;
  }
  if (passes >= 300) {
    // Only a spec that failed too often, with none to return to, is left as it is.
    expect(journal.rejected, say).toContain(specDigest(spec));
    expect(journal.phase.kind, say).toBe('stopped');
    return;
  }
  const [run] = flink.alive();
  expect(run, `${say} runs`).toBeDefined();
  const isRolledBack = journal.rejected.includes(specDigest(spec));
  const expected = isRolledBack ? journal.stable! : spec;
  expect(run!.spec.configuration, say).toEqual(expected.configuration);
  expect(run!.parallelism, say).toBe(wanted.size?.slots ?? expected.parallelism);
  const asked = journal.savepoints?.find(({ request }) => request === wanted.savepointRequest);
  if (wanted.savepointRequest !== undefined) {
    expect(['completed', 'failed'], `${say} savepoint`).toContain(asked?.outcome.kind);
  }
}

const schedules = process.env['TESSERA_LONG'] === '1' ? 10_000 : 500;

test(`a job is never doubled, set back or lost, and comes to rest as wanted: ${schedules} schedules`, () => {
  for (let seed = 1; seed <= schedules; seed++) check(seed);
}, 600_000);
