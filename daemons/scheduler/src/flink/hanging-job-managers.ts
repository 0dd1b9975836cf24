import { AskedFor } from './asked-for.ts';
import { type JobManagerSight, jobManagerSlow, silent } from './job-manager.ts';
import type { UnderWay } from './under-way.ts';

/**
 * JobManagers on which a look has waited until its deadline, by URL. They are asked beside the looks until they answer, or refuse to, in
 * time: so one that hangs holds up no other cluster.
 */
export class HangingJobManagers {
  readonly #underWay: UnderWay;
  readonly #hanging = new AskedFor<true>();

  constructor(underWay: UnderWay) {
    this.#underWay = underWay;
  }

  /** @param ask looks at the one of that URL */
  async look(url: string, ask: () => Promise<JobManagerSight>): Promise<JobManagerSight> {
    if (this.#hanging.get(url) === undefined) return this.#judged(url, await ask());
    const key = `JobManager at ${url}`;
    if (!this.#underWay.keys().has(key)) {
      this.#underWay.begin(key, async () => this.#judged(url, await ask()));
    }
    return silent(jobManagerSlow);
  }

  /** Forgets what was not asked for since this was called last. */
  forgetUnasked(): void {
    this.#hanging.forgetUnasked();
  }

  #judged(url: string, sight: JobManagerSight): JobManagerSight {
    if (sight.silence === jobManagerSlow) this.#hanging.set(url, true);
    else this.#hanging.delete(url);
    return sight;
  }
}
