import { systemClock } from '@tessera/base';
import { connect } from '@tessera/client';
import { jsonLogger } from '@tessera/daemon';
import { schedulerDefaults } from '../config.ts';
import type { OperationContext, OperationKind } from '../operations/operation.ts';
import { OperationRunner } from '../operations/operation-runner.ts';
import { done } from '../operations/scheduler-fixture.ts';
import { Leadership } from './leadership.ts';

/**
 * A scheduler in a process of its own, of which one kind of operation is known: its first step is taken at once, its
 * second when the project `go` is there. Says what it does, a line for each. Run by failover.test.ts.
 */
const [address, holder] = process.argv.slice(2) as [string, string];
const clients = connect(address);
const say = (what: string) => process.stdout.write(`${what}\n`);
const clock = systemClock;
const log = jsonLogger('scheduler', 'silent');

async function goIsThere(): Promise<boolean> {
  return clients.projects.getProject({ name: 'projects/go' }).then(
    () => true,
    () => false,
  );
}

const work: OperationKind = {
  kind: 'work',
  run: async ({ journal, signal }: OperationContext) => {
    const step = async (key: string, take: () => Promise<void>) => {
      let wasTaken = false;
      await journal.step(
        key,
        () => null,
        async () => {
          await take();
          wasTaken = true;
          return null;
        },
      );
      if (wasTaken) say(`took ${key}`); // It is written down now.
    };
    await step('first', async () => {});
    await step('second', async () => {
      while (!(await goIsThere())) await clock.sleep(20, signal);
    });
    return done;
  },
  cleanUp: async () => {},
};

const { leaseTtlMs: ttlMs } = schedulerDefaults;
const leadership = new Leadership({ leases: clients.leases, clock, log, holder, ttlMs });
await leadership.run(async (term) => {
  say('leads');
  const kindsOf = () => [work];
  await new OperationRunner({ clients, kindsOf, clock, log, maxConcurrent: 1 }).run(term);
}, new AbortController().signal);
