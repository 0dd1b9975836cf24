import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom, systemClock } from '@tessera/base';
import { durationToProto } from '@tessera/client';
import { expect, test } from 'vitest';
import { markedProcesses, send } from './proc/members.ts';
import { processOfMark, runOfMark } from './process/outlived.ts';
import { readRunStatus } from './process/run-status.ts';
import { DaemonProcess } from './testing/daemon-process.ts';
import { stateOf, untilEnded } from './testing/host-fixture.ts';

/** More of both find rarer faults: `TESSERA_CHURN=SEED,STEPS`. */
const [seed = 7, steps = 30] = (process.env['TESSERA_CHURN'] ?? '')
  .split(',')
  .filter(Boolean)
  .map(Number);
const ids = ['a', 'b', 'c'];

/** Becomes another program all the time, outside of the session of its run: only its mark tells whose it is. */
const changing = (script: string) => `setsid sh ${script} 100000 & wait`;
const programs = (script: string): readonly string[] => [
  'trap "" TERM; while :; do sleep 0.05; done',
  'trap "sleep 0.2; exit 3" TERM; while :; do sleep 0.01; done',
  `trap "" TERM; (setsid sh -c 'trap "" TERM; while :; do sleep 0.05; done' &) ; while :; do sleep 0.05; done`,
  `trap 'exec env -i /bin/sh -c "sleep 0.1; exit 4"' TERM; while :; do sleep 0.01; done`,
  'sleep 0.1; exit 1',
  changing(script),
  `${changing(script)} & exit 1`,
];

test(`nothing of a run that is over lives, whatever is started, stopped, deleted and killed (seed ${seed}, ${steps} steps)`, {
  timeout: 60_000 + steps * 5_000,
}, async () => {
  const random = seededRandom(seed);
  await using daemon = new DaemonProcess();
  await daemon.start();
  const script = join(daemon.folder, 'changing.sh');
  writeFileSync(script, '[ $1 -gt 0 ] && exec sh $0 $(($1 - 1))\n');
  const scripts = programs(script);
  const uids = new Set<string>();
  const done: string[] = [];
  const restart = {
    mode: 3 as const,
    initialBackoff: durationToProto(20),
    maxBackoff: durationToProto(50),
  };

  const check = async () => {
    const { processes } = await daemon.client.listProcesses({ pageSize: 1000 });
    for (const { uid } of processes) uids.add(uid);
    const overlooked = markedProcesses().filter(({ mark }) => {
      const uid = processOfMark(mark);
      const one = processes.find((process) => process.uid === uid);
      if (one === undefined) return uids.has(uid);
      const isOver = ['STOPPED', 'EXITED', 'BACKOFF'].includes(stateOf(one));
      return isOver ? runOfMark(mark) <= one.run : runOfMark(mark) < one.run;
    });
    expect(overlooked, done.join('\n')).toEqual([]);
  };
  const actions: Record<string, (id: string) => Promise<unknown>> = {
    start: (processId) =>
      daemon.client.startProcess({
        processId,
        spec: { argv: ['/bin/sh', '-c', random.pick(scripts)], restart },
      }),
    stop: async (id) => {
      const gracePeriod = durationToProto(random.integer(0, 300));
      await daemon.client.stopProcess({ name: `processes/${id}`, gracePeriod });
      await untilEnded(daemon.client, `processes/${id}`);
    },
    delete: (id) => daemon.client.deleteProcess({ name: `processes/${id}` }),
    'kill supervisor': async (id) => {
      const { run } = await daemon.client.getProcess({ name: `processes/${id}` });
      const folder = join(daemon.directory, 'processes', id, 'runs', `${run}`);
      const supervisor = readRunStatus(folder)?.supervisor;
      if (supervisor !== undefined) send(supervisor.pid, 'SIGKILL');
    },
    'kill daemon': async () => {
      await daemon.end('SIGKILL');
      await daemon.start();
    },
  };
  const kinds = ['start', 'start', 'stop', 'stop', 'delete', 'kill supervisor', 'kill daemon'];
  for (let i = 0; i < steps; i++) {
    const kind = random.pick(kinds);
    const id = random.pick(ids);
    // Many are refused, as by what is not there.
    const outcome = await actions[kind]!(id).then(
      () => 'done',
      (error) => String(error.reason),
    );
    done.push(`${kind} ${id}: ${outcome}`);
    await systemClock.sleep(random.integer(0, 100));
    await check();
  }
});
