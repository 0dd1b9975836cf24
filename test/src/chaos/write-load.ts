import { randomUUID } from 'node:crypto';
import type { Clock } from '@tessera/base';
import { listAll } from '@tessera/client';
import type { ClusterClients } from '@tessera/testkit/cluster';
import { type CountedResource, countedResources, makeWrittenProject } from './counted-resources.ts';
import { answerWithin, FailureCounts } from './failures.ts';

const pauseMs = 150;
const writeTimeoutMs = 10_000;

/**
 * Somebody who writes to metadata all the time and remembers what was acknowledged: new projects, and the next number
 * of an access policy and of a model.
 */
export class WriteLoad {
  readonly failures = new FailureCounts();
  readonly #clients: ClusterClients;
  readonly #clock: Clock;
  readonly #projects: string[] = [];
  /** The last number of each counted resource. */
  readonly #counts = new Map(countedResources.map((resource) => [resource, 0]));
  readonly #lost: string[] = [];
  #next = 0;

  constructor(clients: ClusterClients, clock: Clock) {
    this.#clients = clients;
    this.#clock = clock;
  }

  /** How many writes were acknowledged, by what was written. */
  get acknowledged(): Readonly<Record<string, number>> {
    const counted = [...this.#counts].map(([{ name }, count]) => [name, count] as const);
    return { projects: this.#projects.length, ...Object.fromEntries(counted) };
  }

  /** What was acknowledged, and was not there when it was read next. */
  get lostOnTheWay(): readonly string[] {
    return this.#lost;
  }

  /** @param source whose tables counted resources are about, `projects/{project}/sources/{source}` */
  async prepare(source: string): Promise<void> {
    const client = this.#clients.whole(0);
    await makeWrittenProject(client, source);
    for (const resource of countedResources) await resource.create(client);
  }

  async run(stop: AbortSignal): Promise<void> {
    for (let n = 0; !stop.aborted; n++) {
      await this.#writeNext(n).catch((error: unknown) => this.failures.add(error));
      await this.#clock.sleep(pauseMs, stop).catch(() => {});
    }
  }

  /** A new project, by the n-th metadata daemon. @throws what may be tried again */
  async write(n: number): Promise<void> {
    const projectId = `written-${this.#next++}`;
    const { projects } = this.#clients.nth('metadata', n);
    const request = { projectId, project: {}, requestId: randomUUID() };
    await answerWithin(writeTimeoutMs, (signal) => projects.createProject(request, { signal }));
    this.#projects.push(`projects/${projectId}`);
  }

  /** Acknowledged writes that the n-th metadata daemon does not have. */
  async lost(n: number): Promise<readonly string[]> {
    const client = this.#clients.whole(n);
    const { resources } = await listAll(client, 'projects', {});
    const present = new Set(resources.map(({ name }) => name));
    const missing = this.#projects.filter((name) => !present.has(name));
    for (const [resource, acknowledged] of this.#counts) {
      const { count } = await resource.read(client);
      if (count < acknowledged) missing.push(undone(resource, acknowledged, count));
    }
    return missing;
  }

  #writeNext(n: number): Promise<void> {
    const resource = countedResources[n % (countedResources.length + 1)];
    return resource === undefined ? this.write(n) : this.#count(resource, n);
  }

  async #count(resource: CountedResource, n: number): Promise<void> {
    const client = this.#clients.whole(n);
    const acknowledged = this.#counts.get(resource)!;
    const found = await answerWithin(writeTimeoutMs, async (signal) => {
      const read = await resource.read(client, signal);
      if (read.count < acknowledged) this.#lost.push(undone(resource, acknowledged, read.count));
      await resource.change(client, read, signal);
      return read;
    });
    this.#counts.set(resource, found.count + 1);
  }
}

function undone({ name }: CountedResource, acknowledged: number, count: number): string {
  return `${name}: change ${acknowledged} was acknowledged, and it is at ${count}`;
}
