import { resourceIdOf } from '@tessera/base';
import { World } from '@tessera/testkit/simulation';
import { injectFaults } from './faults.ts';
import { clockOffsetMs, Platform } from './platform.ts';
import { unrest } from './unrest.ts';
import { comparableMs, machinesFor, Users } from './users.ts';

/** Once all is well, everything is as it is wanted within this; a host that came and went is not given work for up to a quarter of an hour. */
const convergenceMs = 25 * 60_000;

export interface Run {
  /** A digest of everything that happened: equal for equal seeds. */
  readonly trace: string;
  readonly virtualMs: number;
  readonly terms: number;
  /** Attempts that were submitted. */
  readonly attempts: number;
}

/**
 * One schedule: users change clusters, jobs and hosts while everything that can go wrong does; then all is well, and everything must come to rest as it is wanted, and again after it had to move, and as it was before after a
 * cluster was given what its processes cannot read, and a job a size with which it does less.
 * @throws what was broken, with the seed.
 */
export async function runSchedule(seed: number): Promise<Run> {
  const world = new World(seed);
  const { random } = world;
  const beganMs = world.nowMs;
  const clusters = random.pick([['c0'], ['c0', 'c1']]);
  const jobs = random.pick([['j0'], ['j0', 'j1']]);
  const platform = await Platform.start(world, random.integer(machinesFor(clusters.length), 4));
  const users = new Users(platform, { clusters, jobs });
  const { violations } = platform.jobManagers;
  const fail = (what: string): never => {
    throw new Error(`seed ${seed}, happening ${world.happened}: ${what}`);
  };
  const check = () => {
    if (violations.length > 0) fail(violations.join('; '));
  };
  const comeToRest = async () => {
    const lastMs = world.nowMs + convergenceMs;
    let left: string | undefined;
    for (let quiet = 0; quiet < 3; quiet = left === undefined ? quiet + 1 : 0) {
      if (world.nowMs >= lastMs) fail(`does not come to rest: ${left ?? 'for moments only'}`);
      await world.run(world.nowMs + 4_000, check);
      left = await unrest(platform, users);
    }
  };
  await world.run(world.nowMs + 5_000, check);
  await users.begin();
  await world.run(world.nowMs + random.integer(5_000, 30_000), check);
  const untilMs = world.nowMs + random.integer(60_000, 240_000);
  injectFaults(platform, { everyMs: random.pick([2_000, 8_000, 20_000]), untilMs });
  while (world.nowMs < untilMs) {
    await users.wish();
    await world.run(world.nowMs + random.integer(500, 30_000), check);
    const wronged = await wrongedVersion(platform, users);
    if (wronged !== undefined) fail(`${wronged} is given up, which is good`);
  }
  await world.run(untilMs + 1, check);
  await users.rest();
  await comeToRest();
  if (random.next() < 0.5) {
    await users.move();
    await comeToRest();
  }
  if (random.next() < 0.5) {
    await users.blunder();
    await comeToRest();
  }
  const promising = users.promising();
  if (promising !== undefined) {
    // By the clock of another leader, what was counted before lies in the future.
    await world.run(world.nowMs + 2 * clockOffsetMs + comparableMs, check);
    users.tempt(promising);
    await comeToRest();
  }
  const { flinkJobStatuses } = await platform.clients.flinkJobs.listFlinkJobStatuses({});
  const attempts = flinkJobStatuses.reduce((sum, { attempt }) => sum + Number(attempt), 0);
  return { trace: world.trace, virtualMs: world.nowMs - beganMs, terms: platform.terms, attempts };
}

/** A version of a cluster that is given up, and could be run. */
async function wrongedVersion({ clients }: Platform, users: Users): Promise<string | undefined> {
  const { flinkClusterStatuses } = await clients.flinkClusters.listFlinkClusterStatuses({});
  const wronged = flinkClusterStatuses.find(
    ({ name, rejected }) => rejected && !users.isBad(resourceIdOf(name), rejected.version),
  );
  return wronged && `version ${wronged.rejected!.version} of ${resourceIdOf(wronged.name)}`;
}
