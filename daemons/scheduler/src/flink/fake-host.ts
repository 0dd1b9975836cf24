import { host as wire } from '@tessera/proto';
import type { HostClient } from '../hosts/observe-hosts.ts';
import { failure } from './fake-failure.ts';
import { bundle } from './fixture.ts';

const { PROCESS_STATE_BACKOFF, PROCESS_STATE_RUNNING, PROCESS_STATE_STOPPED } = wire.ProcessState;

/** A host daemon whose processes start and end at once. */
export class FakeHost {
  readonly processes = new Map<string, wire.Process>();
  readonly artifacts = new Map([
    [bundle, wire.Artifact.fromPartial({ name: bundle, unpacked: true })],
  ]);
  /** Steps that it was told, oldest first. */
  readonly steps: string[] = [];
  /** What processes have printed to their standard output, by id. */
  readonly printed = new Map<string, string>();
  /** What it sees of directories of other machines: the same as hosts with the same map do. */
  mounted: Map<string, string>;
  probesTaken = 0;
  #runs = 0;

  constructor(mounted: Map<string, string>) {
    this.mounted = mounted;
  }

  running(): wire.Process[] {
    return [...this.processes.values()].filter(({ state }) => state === PROCESS_STATE_RUNNING);
  }

  /** As the host daemon does when a program dies: it is started again. */
  restart(id: string): void {
    this.#put(id, { ...this.processes.get(id)!, run: ++this.#runs });
  }

  /** As the host daemon does when a program dies again and again: it waits before it starts it. */
  crash(id: string): void {
    this.#put(id, { ...this.processes.get(id)!, state: PROCESS_STATE_BACKOFF });
  }

  /** Programs whose files of configuration have it end, one run after each look. */
  unreadable = 'rubbish';

  #endUnreadable(): void {
    const cause = { $case: 'code', value: 1 } as const;
    for (const [id, process] of this.processes) {
      const hasIt = process.spec?.files.some(({ content }) => content.includes(this.unreadable));
      if (!hasIt || process.state === PROCESS_STATE_STOPPED) continue;
      this.#put(id, { ...process, run: ++this.#runs, lastExit: { cause, endTime: undefined } });
      this.crash(id);
    }
  }

  readonly client = {
    listProcesses: async () => ({
      processes: [...this.processes.values()],
      nextPageToken: '',
      heldPorts: [],
    }),
    listArtifacts: async () => {
      this.#endUnreadable();
      return { artifacts: [...this.artifacts.values()], nextPageToken: '' };
    },
    pullArtifact: async () => wire.PullArtifactResponse.create(),
    startProcess: async ({ processId = '', spec }: wire.StartProcessRequest) => {
      this.steps.push(`start ${processId}`);
      const state = PROCESS_STATE_RUNNING;
      return this.#put(processId, { spec, state, run: ++this.#runs, pid: this.#runs });
    },
    stopProcess: async ({ name = '' }: wire.StopProcessRequest) => {
      const id = name.slice('processes/'.length);
      this.steps.push(`stop ${id}`);
      return this.#put(id, { ...this.processes.get(id)!, state: PROCESS_STATE_STOPPED });
    },
    deleteProcess: async ({ name = '' }: wire.DeleteProcessRequest) => {
      this.processes.delete(name.slice('processes/'.length));
      return {};
    },
    writeProbe: async ({ directory = '', owner = '', nonce = '' }: wire.WriteProbeRequest) => {
      this.probesTaken += 1;
      this.mounted.set(`${directory}/${owner}`, nonce);
      return {};
    },
    readProbe: async ({ directory, owner }: wire.ReadProbeRequest) => {
      const content = this.mounted.get(`${directory}/${owner}`);
      if (content === undefined) throw failure('PROBE_MISSING');
      return { content };
    },
    readLogs: ({ name = '', stream }: wire.ReadLogsRequest) => {
      const isOutput = stream === wire.LogStream.LOG_STREAM_OUTPUT;
      const printed = isOutput ? this.printed.get(name.slice('processes/'.length)) : undefined;
      return printed === undefined ? [] : [{ offset: 0n, data: Buffer.from(printed) }];
    },
    restoreFiles: async ({ name = '' }: wire.RestoreFilesRequest) => {
      const id = name.slice('processes/'.length);
      this.steps.push(`restore ${id}`);
      return this.#put(id, { ...this.processes.get(id)!, changedFiles: [] });
    },
  } as unknown as HostClient;

  #put(id: string, facts: Partial<wire.Process>): wire.Process {
    const known = wire.Process.fromPartial({ uid: id, ...facts, name: `processes/${id}` });
    this.processes.set(id, known);
    return known;
  }
}
