import { Code, TesseraError } from '@tessera/base';
import { durationToProto, type TesseraClient } from '@tessera/client';
import { type coordination, type metadata, host as wire } from '@tessera/proto';
import { Life, type ServingHost, type World } from '@tessera/testkit/simulation';
import { bundle, inventory } from '../fixture.ts';

const { PROCESS_STATE_RUNNING, PROCESS_STATE_STOPPED, PROCESS_STATE_STOPPING } = wire.ProcessState;
const { PROCESS_STATE_BACKOFF } = wire.ProcessState;

/** What a machine knows of a program that it was told to run. */
export interface Running {
  readonly id: string;
  readonly spec: wire.ProcessSpec;
  readonly run: number;
  readonly startedMs: number;
  /** All runs of it have this in common until it is stopped. */
  readonly order: StartOrder;
  state: wire.ProcessState;
  /** How the run before it ended, if by itself. */
  lastExit?: wire.ProcessExit;
}

/** That a program is to run, as the host daemon was told. */
export interface StartOrder {
  readonly sinceMs: number;
  /** Whoever asked for it had changed his mind before it came. */
  isStale: boolean;
}

type Cause = NonNullable<wire.ProcessExit['cause']>;

/** What no program can read. */
export const rubbish = 'rubbish';

/** Whether its configuration has what no program can read. */
export function isUnreadable({ files }: wire.ProcessSpec): boolean {
  return files.some(({ content }) => `${content}`.includes(rubbish));
}

const leaseTtl = { seconds: 10n, nanos: 0 };
const heartbeatMs = 3_000;
/** Long enough for others to take over too early. */
const cutOffAfterMs = 60_000;
/** What watches over a process looks at the time so often, at worst. */
const watchMs = 2_000;

/**
 * A machine: its power, the programs that run on it, and its host daemon, of which each may fail without the others. It does what the host daemon promises: steps of earlier leaders are refused, programs are started again when
 * they die, and end when the machine has been cut off for too long.
 */
export class Machine {
  readonly name: string;
  /** Programs answer as long as it lasts. */
  power: Life | undefined;
  /** The host daemon. */
  readonly daemon: ServingHost;
  readonly processes = new Map<string, Running>();
  /** Whether some starts take long. */
  isSlow = true;
  /** Told of each process that is started, or was to be and is there. */
  onStart: (process: Running) => Promise<void> = async () => {};
  /** Told of each process that runs and is to end. */
  onStop: (process: Running) => void = () => {};
  readonly #world: World;
  readonly #directories: Map<string, string>;
  readonly #clients: (life: Life) => Pick<TesseraClient, 'hosts' | 'leases'>;
  #runs = 0;
  #sessions = 0;
  #newestToken = 0n;
  /** Until when it is in touch. */
  #deadlineMs = 0;

  constructor(
    name: string,
    world: World,
    directories: Map<string, string>,
    clients: (life: Life) => Pick<TesseraClient, 'hosts' | 'leases'>,
  ) {
    this.name = name;
    this.#world = world;
    this.#directories = directories;
    this.#clients = clients;
    this.daemon = { name, life: undefined, client: undefined };
    this.powerOn();
  }

  powerOn(): void {
    if (this.power !== undefined) return;
    this.power = new Life(this.name, this.#world, 0);
    this.bootDaemon();
  }

  /** Nothing of what ran is started by itself when it is on again. */
  powerOff(): void {
    this.crashDaemon();
    this.power?.end();
    this.power = undefined;
    this.#deadlineMs = 0;
    this.#endAll();
  }

  bootDaemon(): void {
    if (this.power === undefined || this.daemon.life !== undefined) return;
    const life = new Life(this.name, this.#world, this.#world.random.integer(-120_000, 120_000));
    this.daemon.life = life;
    this.daemon.client = { host: this.#host as unknown as TesseraClient['host'] };
    this.#world.after(this.#world.random.integer(1, 500), () => void this.#register(life), life);
  }

  crashDaemon(): void {
    this.daemon.life?.end();
    this.daemon.life = undefined;
    this.daemon.client = undefined;
  }

  alive(): Running[] {
    return [...this.processes.values()].filter(
      ({ state }) => state === PROCESS_STATE_RUNNING || state === PROCESS_STATE_STOPPING,
    );
  }

  /** Those that run, or will again by themselves. */
  lasting(): Running[] {
    return [...this.processes.values()].filter(({ state }) => state !== PROCESS_STATE_STOPPED);
  }

  /** A program dies, and is started again. */
  crashProcess(id: string, cause: Cause = { $case: 'signal', value: 'SIGKILL' }): void {
    const process = this.processes.get(id);
    if (process?.state !== PROCESS_STATE_RUNNING) return;
    const lastExit = wire.ProcessExit.fromPartial({ cause });
    const state = PROCESS_STATE_BACKOFF;
    const dead: Running = { ...process, run: ++this.#runs, state, lastExit };
    this.processes.set(id, dead);
    const again = () => {
      if (this.processes.get(id) !== dead || dead.state !== PROCESS_STATE_BACKOFF) return;
      if (this.daemon.life === undefined) this.#world.after(1_000, again);
      else this.#begin(id, dead.spec, dead.order);
    };
    this.#world.after(this.#world.random.integer(500, 5_000), again);
  }

  /** Registers itself, and tells metadata that it is there, for as long as its life lasts. */
  async #register(life: Life): Promise<never> {
    const { hosts, leases } = this.#clients(life);
    const name = `leases/host.${this.name}`;
    for (;;) {
      try {
        // Whoever saw the lease free before sees another session from now on.
        await hosts.updateHost({ host: this.#describe(), allowMissing: true });
        let sentMs = this.#world.nowMs;
        const lease = { name, holder: this.name, ttl: leaseTtl };
        const { fencingToken } = await leases.acquireLease(lease);
        for (;;) {
          this.#confirmed(sentMs);
          await life.clock.sleep(heartbeatMs);
          sentMs = this.#world.nowMs;
          await leases.renewLease({ name, fencingToken });
        }
      } catch {
        await life.clock.sleep(1_000);
      }
    }
  }

  #describe(): metadata.Host {
    const facts = { machineId: this.name, address: `${this.name}:7450`, inventory };
    const lease = `leases/host.${this.name}`;
    const session = `${this.name}/${++this.#sessions}`;
    const cutOffAfter = durationToProto(cutOffAfterMs);
    return { name: `hosts/${this.name}`, ...facts, lease, session, cutOffAfter } as metadata.Host;
  }

  #confirmed(sentMs: number): void {
    if (sentMs > this.#deadlineMs) this.#endAll();
    this.#deadlineMs = sentMs + cutOffAfterMs;
    const lateMs = this.#world.random.integer(1, watchMs);
    this.#world.after(this.#deadlineMs + lateMs - this.#world.nowMs, () => {
      if (this.#isCutOff) this.#endAll();
    });
  }

  get #isCutOff(): boolean {
    return this.#world.nowMs > this.#deadlineMs;
  }

  #endAll(): void {
    for (const process of this.processes.values()) process.state = PROCESS_STATE_STOPPED;
  }

  #begin(id: string, spec: wire.ProcessSpec, order: StartOrder): Running {
    const startedMs = this.#world.nowMs;
    const state = PROCESS_STATE_RUNNING;
    const process = { id, spec, run: ++this.#runs, startedMs, order, state };
    this.processes.set(id, process);
    if (isUnreadable(spec)) this.#endSoon(process);
    return process;
  }

  /** It cannot read its configuration. */
  #endSoon(process: Running): void {
    this.#world.after(this.#world.random.integer(300, 2_500), () => {
      const isSame = this.processes.get(process.id) === process;
      if (isSame) this.crashProcess(process.id, { $case: 'code', value: 1 });
    });
  }

  #start(id: string, spec: wire.ProcessSpec): Running {
    if (this.#isCutOff) throw refusal('HOST_CUT_OFF');
    const there = this.processes.get(id);
    if (there === undefined || there.state === PROCESS_STATE_STOPPED) {
      return this.#begin(id, spec, { sinceMs: this.#world.nowMs, isStale: false });
    }
    if (there.state === PROCESS_STATE_STOPPING) throw refusal('PROCESS_STOPPING');
    const isSame =
      JSON.stringify(wire.ProcessSpec.toJSON(there.spec)) ===
      JSON.stringify(wire.ProcessSpec.toJSON(spec));
    if (!isSame) throw refusal('PROCESS_EXISTS');
    return there;
  }

  /** What a program needs is put there first, which may take longer than anybody waits for the answer. */
  #prepare(): Promise<void> {
    const { random } = this.#world;
    if (!this.isSlow || random.next() < 0.9) return Promise.resolve();
    const { life } = this.daemon;
    return new Promise((resolve) => {
      this.#world.after(random.integer(1_000, 12_000), resolve, life);
    });
  }

  /** Some end at once, and some only when they are killed. */
  #stop(id: string): Running {
    const process = this.#process(id);
    if (process.state === PROCESS_STATE_BACKOFF) process.state = PROCESS_STATE_STOPPED;
    if (process.state !== PROCESS_STATE_RUNNING) return process;
    this.onStop(process);
    process.state = PROCESS_STATE_STOPPING;
    const { random } = this.#world;
    this.#world.after(random.next() < 0.8 ? random.integer(50, 1_500) : 10_000, () => {
      process.state = PROCESS_STATE_STOPPED;
    });
    return process;
  }

  #process(id: string): Running {
    const process = this.processes.get(id);
    if (process === undefined) throw refusal('PROCESS_NOT_FOUND');
    return process;
  }

  #checkFence({ fence }: { readonly fence?: coordination.Fence | undefined }): void {
    const { token = 0n } = fence ?? {};
    if (token < this.#newestToken || token <= 0n) throw refusal('FENCED');
    this.#newestToken = token;
  }

  readonly #host = {
    listProcesses: async () => ({
      processes: [...this.processes.values()].map(shown),
      nextPageToken: '',
      heldPorts: [],
    }),
    listArtifacts: async () => ({ artifacts: [artifact], nextPageToken: '' }),
    async *readLogs() {},
    startProcess: async (request: wire.StartProcessRequest) => {
      await this.#prepare();
      this.#checkFence(request);
      const process = this.#start(request.processId, request.spec!);
      await this.onStart(process);
      return shown(process);
    },
    stopProcess: async (request: wire.StopProcessRequest) => {
      this.#checkFence(request);
      return shown(this.#stop(idOf(request.name)));
    },
    deleteProcess: async (request: wire.DeleteProcessRequest) => {
      this.#checkFence(request);
      const id = idOf(request.name);
      const process = this.processes.get(id);
      if (process !== undefined && process.state !== PROCESS_STATE_STOPPED) {
        throw refusal('PROCESS_RUNNING');
      }
      this.processes.delete(id);
      return {};
    },
    writeProbe: async (request: wire.WriteProbeRequest) => {
      this.#checkFence(request);
      this.#directories.set(`${request.directory}/${request.owner}`, request.nonce);
      return {};
    },
    readProbe: async ({ directory, owner }: wire.ReadProbeRequest) => {
      const content = this.#directories.get(`${directory}/${owner}`);
      if (content === undefined) throw refusal('PROBE_MISSING');
      return { content };
    },
  };
}

const artifact = wire.Artifact.fromPartial({ name: bundle, unpacked: true });

const noProcess = wire.Process.create();

function shown({ id, spec, run, state, lastExit }: Running): wire.Process {
  return { ...noProcess, name: `processes/${id}`, uid: id, spec, run, state, lastExit };
}

function idOf(name: string): string {
  return name.slice('processes/'.length);
}

export function refusal(reason: string): TesseraError {
  const code = Code.FAILED_PRECONDITION;
  return new TesseraError({ code, reason, message: `It is refused: ${reason}.` });
}
