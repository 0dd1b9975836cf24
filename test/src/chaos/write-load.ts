import { randomUUID } from 'node:crypto';
import type { Clock } from '@tessera/base';
import { listAll } from '@tessera/client';
import type { ClusterClients } from '@tessera/testkit/cluster';
import { FailureCounts } from './failures.ts';

const pauseMs = 100;
const writeTimeoutMs = 10_000;

/** Somebody who writes to metadata all the time and remembers what was acknowledged. */
export class WriteLoad {
  readonly failures = new FailureCounts();
  readonly acknowledged: string[] = [];
  readonly #clients: ClusterClients;
  readonly #clock: Clock;
  #count = 0;

  constructor(clients: ClusterClients, clock: Clock) {
    this.#clients = clients;
    this.#clock = clock;
  }

  async run(stop: AbortSignal): Promise<void> {
    for (let n = 0; !stop.aborted; n++) {
      await this.write(n).catch((error: unknown) => this.failures.add(error));
      await this.#clock.sleep(pauseMs, stop).catch(() => {});
    }
  }

  /** By the n-th metadata daemon. @throws what may be tried again */
  async write(n: number): Promise<void> {
    const projectId = `written-${this.#count++}`;
    const signal = AbortSignal.timeout(writeTimeoutMs);
    const { projects } = this.#clients.nth('metadata', n);
    await projects.createProject({ projectId, project: {}, requestId: randomUUID() }, { signal });
    this.acknowledged.push(`projects/${projectId}`);
  }

  /** Acknowledged writes that a metadata daemon does not have. */
  async lost(n: number): Promise<readonly string[]> {
    const { resources } = await listAll(this.#clients.nth('metadata', n), 'projects', {});
    const present = new Set(resources.map(({ name }) => name));
    return this.acknowledged.filter((name) => !present.has(name));
  }
}
