import type { TesseraClient } from '@tessera/client';
import { flink } from '@tessera/proto';
import { expect } from 'vitest';

const poll = { timeout: 180_000, interval: 100 };

/** A job of a platform, as a test wants it and waits for it. */
export class JobOnHosts {
  readonly #client: TesseraClient;
  readonly #id: string;

  constructor(client: TesseraClient, id: string) {
    this.#client = client;
    this.#id = id;
  }

  apply(spec: Partial<flink.FlinkJobSpec>): Promise<flink.FlinkJob> {
    const flinkJob = {
      name: `flink-jobs/${this.#id}`,
      spec: flink.FlinkJobSpec.fromPartial(spec),
    };
    return this.#client.flinkJobs.updateFlinkJob({ flinkJob, allowMissing: true });
  }

  status(): Promise<flink.FlinkJobStatus> {
    return this.#client.flinkJobs.getFlinkJobStatus({ name: `flink-job-statuses/${this.#id}` });
  }

  async phase(): Promise<string> {
    return phaseOf(await this.status());
  }

  /** Waits until a version runs as it is wanted, as its attempt of that number. */
  async untilRuns({ version }: flink.FlinkJob, attempt: number): Promise<flink.FlinkJobStatus> {
    const settled = async () => {
      const status = await this.status().catch(() => undefined);
      return status && [status.version, phaseOf(status), Number(status.attempt), status.waitsFor];
    };
    await expect.poll(settled, poll).toEqual([version, 'RUNNING', attempt, '']);
    return await this.status();
  }

  /** Waits until a version is as it is wanted, in a phase that it comes to rest in. */
  async untilRests({ version }: flink.FlinkJob, phase: string): Promise<flink.FlinkJobStatus> {
    const settled = async () => {
      const status = await this.status().catch(() => undefined);
      return status && [status.version, phaseOf(status), status.waitsFor];
    };
    await expect.poll(settled, poll).toEqual([version, phase, '']);
    return await this.status();
  }

  /** Waits until it runs with the slots that scaling is to want of it. */
  async untilSized(slots: number): Promise<void> {
    const settled = async () => {
      const status = await this.status();
      return [phaseOf(status), status.size?.slots, status.waitsFor];
    };
    await expect.poll(settled, poll).toEqual(['RUNNING', slots, '']);
  }

  /** Waits until its status has a condition of a reason. */
  async untilCondition(reason: string): Promise<flink.FlinkCondition> {
    let found: flink.FlinkCondition | undefined;
    const holds = async () => {
      const conditions = (await this.status().catch(() => undefined))?.conditions ?? [];
      found = conditions.find((condition) => condition.reason === reason);
      return found !== undefined;
    };
    await expect.poll(holds, poll).toBe(true);
    return found!;
  }

  /** Waits until the deployed specification has proved stable, by checkpoints of this attempt. */
  async untilStable(): Promise<void> {
    const stable = async () => {
      const { deployed, stableSpec } = await this.status();
      return deployed?.hasState === true && stableSpec !== undefined;
    };
    await expect.poll(stable, poll).toBe(true);
  }

  async untilPhase(phase: string): Promise<void> {
    await expect.poll(() => this.phase(), poll).toBe(phase);
  }

  /** Waits until it has ended with its state. */
  async delete(): Promise<void> {
    await this.#client.flinkJobs.deleteFlinkJob({ name: `flink-jobs/${this.#id}` });
    const statuses = async () => {
      const { flinkJobStatuses } = await this.#client.flinkJobs.listFlinkJobStatuses({});
      return flinkJobStatuses.map(({ name }) => name);
    };
    await expect.poll(statuses, poll).not.toContain(`flink-job-statuses/${this.#id}`);
  }
}

/** `RUNNING` and the like. */
export function phaseOf({ phase }: flink.FlinkJobStatus): string {
  return flink.flinkJobPhaseToJSON(phase).replace('FLINK_JOB_PHASE_', '');
}
