import { fairWeather } from '@tessera/testkit/simulation';
import { isJobManager } from './job-managers.ts';
import type { Platform } from './platform.ts';

export interface FaultOptions {
  /** Mean time between two faults. */
  readonly everyMs: number;
  readonly untilMs: number;
}

/** Crashes, pauses, partitions, weather and bad luck, by chance, until a time; then all is well again. */
export function injectFaults(platform: Platform, { everyMs, untilMs }: FaultOptions): void {
  const { world, network } = platform;
  const { random } = world;
  network.weather = {
    loss: random.pick([0, 0.002, 0.01]),
    duplication: random.pick([0, 0.01, 0.05]),
    late: random.pick([0, 0.002, 0.01]),
    delayMs: random.pick([5, 20, 80]),
    lateMs: 4_000,
  };
  const { onSubmit } = platform.jobManagers;
  platform.jobManagers.onSubmit = async (submission) => {
    await onSubmit(submission);
    if (world.nowMs < untilMs && random.next() < 0.1) blackOut(platform);
  };
  let sparedUntilMs = 0;
  if (random.next() < 0.4) {
    world.after(random.integer(10_000, 40_000), () => {
      sparedUntilMs = world.nowMs + silenceJobManager(platform);
    });
  }
  const next = () => {
    if (world.nowMs >= untilMs) return;
    strike(platform, world.nowMs < sparedUntilMs);
    world.after(random.integer(1, 2 * everyMs), next);
  };
  world.after(random.integer(1, 2 * everyMs), next);
  world.after(untilMs - world.nowMs, () => heal(platform));
}

/** A job that has just been submitted is seen by nobody: when schedulers are back, its JobManager is another one, and the state directory cannot be read yet. */
function blackOut(platform: Platform): void {
  const { world, machines, schedulers, jobManagers } = platform;
  const { random } = world;
  world.after(random.integer(1, 500), () => {
    for (const scheduler of schedulers) platform.crash(scheduler);
  });
  world.after(random.integer(6_000, 15_000), () => {
    jobManagers.isDirectoryReadable = false;
    for (const machine of machines) {
      for (const { id } of machine.alive().filter(isJobManager)) machine.crashProcess(id);
    }
    for (const scheduler of schedulers) platform.boot(scheduler);
    world.after(random.integer(10_000, 40_000), () => {
      jobManagers.isDirectoryReadable = true;
    });
  });
}

/** Nobody hears of a JobManager's machine for so long that it is lost, or almost. Gives for how long. */
function silenceJobManager(platform: Platform): number {
  const { world, machines } = platform;
  const machine = machines.find((each) => each.alive().some(isJobManager)) ?? machines[0]!;
  const lastsMs = world.random.integer(45_000, 90_000);
  if (world.random.next() < 0.5) {
    machine.crashDaemon();
    world.after(lastsMs, () => machine.bootDaemon());
    return lastsMs;
  }
  isolate(platform, machine.name, lastsMs);
  return lastsMs;
}

function isolate({ world, network, names }: Platform, name: string, lastsMs: number): void {
  const others = names.filter((other) => other !== name);
  for (const other of others) network.cut(name, other);
  world.after(lastsMs, () => {
    for (const other of others) network.mend(name, other);
  });
}

function strike(platform: Platform, areSchedulersSpared: boolean): void {
  const { world, network, machines, schedulers, jobManagers } = platform;
  const { random } = world;
  const scheduler = random.pick(schedulers);
  const machine = random.pick(machines);
  const lastsMs = random.integer(50, random.pick([500, 5_000, 20_000, 90_000]));
  const later = (mend: () => void) => world.after(lastsMs, mend);
  switch (random.integer(areSchedulersSpared ? 5 : 0, 12)) {
    case 0:
    case 1:
    case 2:
      platform.crash(scheduler);
      later(() => platform.boot(scheduler));
      return;
    case 3:
    case 4:
      scheduler.life?.pause(lastsMs);
      return;
    case 5:
      machine.crashDaemon();
      later(() => machine.bootDaemon());
      return;
    case 6:
      machine.powerOff();
      later(() => machine.powerOn());
      return;
    case 7:
    case 8: {
      const running = machine.alive();
      if (running.length > 0) machine.crashProcess(random.pick(running).id);
      return;
    }
    case 9: {
      jobManagers.isDirectoryReadable = false;
      later(() => {
        jobManagers.isDirectoryReadable = true;
      });
      return;
    }
    case 10: {
      const [one, other] = [random.pick([machine, scheduler]).name, random.pick(platform.names)];
      if (one === other) return;
      network.cut(one, other);
      later(() => network.mend(one, other));
      return;
    }
    default:
      isolate(platform, random.pick([machine, machine, scheduler]).name, lastsMs);
  }
}

/** What was seen and sent before is old news after this. */
const calmAfterMs = 30_000;

function heal(platform: Platform): void {
  const { world, network, machines, schedulers, jobManagers, wants } = platform;
  network.mendAll();
  network.weather = fairWeather;
  jobManagers.isDirectoryReadable = true;
  jobManagers.isUnlucky = false;
  wants.isUnlucky = false;
  for (const machine of machines) {
    machine.isSlow = false;
    machine.powerOn();
    machine.bootDaemon();
  }
  for (const scheduler of schedulers) {
    scheduler.life?.resume();
    platform.boot(scheduler);
  }
  world.after(calmAfterMs, () => {
    platform.isCalm = true;
  });
}
