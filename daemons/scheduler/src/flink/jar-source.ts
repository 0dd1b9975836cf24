import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { artifactDamaged, artifactInNoHost } from '../errors.ts';
import type { SeenHost } from '../hosts/observe-hosts.ts';
import type { SeenJobManager } from './job-manager.ts';

/** Jars of jobs come from hosts, which have them as artifacts, and go to JobManagers, each once. */
export class JarSource {
  readonly #hosts: readonly SeenHost[];
  readonly #workDirectory: string;

  constructor(hosts: readonly SeenHost[], workDirectory: string) {
    this.#hosts = hosts;
    this.#workDirectory = workDirectory;
  }

  /**
   * The id that a JobManager knows a jar by; it is uploaded when there is none.
   * @throws ARTIFACT_IN_NO_HOST, ARTIFACT_DAMAGED, and what Flink and the host throw
   */
  async idOn({ rest }: SeenJobManager, digest: string, signal: AbortSignal): Promise<string> {
    const name = `${digest}.jar`;
    const known = (await rest.jars(signal)).find((jar) => jar.name === name);
    if (known !== undefined) return known.id;
    await mkdir(this.#workDirectory, { recursive: true });
    const file = join(this.#workDirectory, `${randomUUID()}.jar`);
    try {
      await this.#download(digest, file, signal);
      return await rest.uploadJar(file, { name }, signal);
    } finally {
      await rm(file, { force: true });
    }
  }

  async #download(digest: string, file: string, signal: AbortSignal): Promise<void> {
    const name = `artifacts/${digest}`;
    const host = this.#hosts.find(({ artifacts }) => artifacts?.has(name));
    if (host?.client === undefined) throw artifactInNoHost(name);
    const hash = createHash('sha256');
    const { client } = host;
    async function* bytes() {
      for await (const { data } of client.readArtifact({ name }, { signal })) {
        hash.update(data);
        yield data;
      }
    }
    await pipeline(Readable.from(bytes()), createWriteStream(file), { signal });
    if (hash.digest('hex') !== digest) throw artifactDamaged(name, host.name);
  }
}
