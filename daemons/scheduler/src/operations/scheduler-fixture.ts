import { clientsBy, type TesseraClient } from '@tessera/client';
import { bindInProcess, silentLogger } from '@tessera/daemon';
import { composeMetadata, type MetadataDaemon } from '@tessera/metadata';
import { type Any, metadata } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { schedulerDefaults } from '../config.ts';
import { Leadership, type LeadershipOptions } from '../leader/leadership.ts';
import type { OperationContext, OperationKind } from './operation.ts';
import { OperationRunner } from './operation-runner.ts';

export const done: Any = { typeUrl: 'type.googleapis.com/test.Done', value: Buffer.from('') };

/** A kind of operation that does what a test says. */
export class TestKind implements OperationKind {
  readonly kind: string;
  readonly cleaned: string[] = [];
  readonly #work: (context: OperationContext) => Promise<void>;

  constructor(kind: string, work: (context: OperationContext) => Promise<void>) {
    this.kind = kind;
    this.#work = work;
  }

  async run(context: OperationContext): Promise<Any> {
    await this.#work(context);
    return done;
  }

  async cleanUp({ record }: OperationContext): Promise<void> {
    this.cleaned.push(record.name);
  }
}

/** The metadata daemon over its memory store, under a clock that the test moves, and schedulers on top of it. */
export class SchedulerFixture implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly clients: TesseraClient;
  readonly #metadata: MetadataDaemon;
  #schedulers = 0;

  private constructor(clock: ManualClock, daemon: MetadataDaemon) {
    this.clock = clock;
    this.#metadata = daemon;
    const bindings = new Map(
      daemon.services.map((service) => [service.definition as unknown, service]),
    );
    this.clients = clientsBy(
      (definition) => bindInProcess(bindings.get(definition)!, silentLogger) as never,
    );
  }

  static async open(): Promise<SchedulerFixture> {
    const clock = new ManualClock();
    const store = { driver: 'memory' } as const;
    return new SchedulerFixture(clock, await composeMetadata({ store }, { clock }));
  }

  leadership(own: Partial<Pick<LeadershipOptions, 'clock' | 'leases'>> = {}): Leadership {
    const holder = `scheduler-${this.#schedulers++}`;
    const { clock, clients } = this;
    const { leases } = clients;
    const { leaseTtlMs: ttlMs } = schedulerDefaults;
    return new Leadership({ clock, leases, log: silentLogger, holder, ttlMs, ...own });
  }

  /** A scheduler that serves until it is disposed. */
  scheduler(kinds: readonly OperationKind[], maxConcurrent = 1): AsyncDisposable {
    const leadership = this.leadership();
    const stopping = new AbortController();
    const runner = new OperationRunner({
      clients: this.clients,
      kindsOf: () => kinds,
      clock: this.clock,
      log: silentLogger,
      maxConcurrent,
    });
    const running = leadership.run((term) => runner.run(term), stopping.signal);
    return {
      [Symbol.asyncDispose]: async () => {
        stopping.abort();
        await running;
      },
    };
  }

  async ask(kind: string, target: string, id: string): Promise<string> {
    const record = await this.clients.operationRecords.createOperationRecord({
      operationRecordId: id,
      operationRecord: {
        kind,
        target,
        state: metadata.OperationState.OPERATION_STATE_PENDING,
      },
    });
    await this.clock.advance(1);
    return record.name;
  }

  cancel(name: string) {
    return this.clients.operationRecords.updateOperationRecord({
      operationRecord: { name, cancelRequested: true },
      updateMask: ['cancel_requested'],
    });
  }

  async state(name: string): Promise<string> {
    const { state } = await this.clients.operationRecords.getOperationRecord({ name });
    const found = Object.entries(metadata.OperationState).find(([, value]) => value === state);
    return found![0].replace('OPERATION_STATE_', '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#metadata[Symbol.asyncDispose]();
  }
}
