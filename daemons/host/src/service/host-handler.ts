import type { Clock } from '@tessera/base';
import { durationFromProto, timestampToProto } from '@tessera/client';
import { host, type metadata } from '@tessera/proto';
import type { CallContext } from 'nice-grpc-common';
import type { ArtifactPulls } from '../artifact/artifact-pulls.ts';
import type { ArtifactReader } from '../artifact/artifact-reader.ts';
import type { ArtifactStore, StoredArtifact } from '../artifact/artifact-store.ts';
import { nameOf } from '../artifact/artifact-store.ts';
import type { ArtifactPeer } from '../artifact/read-from-peers.ts';
import type { UnpackedArtifacts } from '../artifact/unpacked-artifacts.ts';
import { badRequest } from '../errors.ts';
import type { Availability } from '../inventory/inventory.ts';
import type { Fence, Journal } from '../journal/journal.ts';
import type { Probes } from '../probe/probes.ts';
import type { Change } from '../process/change-history.ts';
import type { ProcessRecord } from '../process/process-record.ts';
import type { Processes } from '../process/processes.ts';
import { pageOf } from './page.ts';
import { digestOf, processToProto, specFromProto, timeOf } from './process-wire.ts';
import { readUpload } from './upload.ts';

export interface HostHandlerOptions {
  readonly processes: Processes;
  readonly artifacts: ArtifactStore;
  readonly unpacked: UnpackedArtifacts;
  readonly pulls: ArtifactPulls;
  readonly reader: ArtifactReader;
  /** Another host, by its address. */
  readonly peerAt: (address: string) => ArtifactPeer;
  readonly probes: Probes;
  readonly journal: Pick<Journal, 'checkFence'>;
  readonly describe: () => Promise<metadata.Host>;
  readonly availability: () => Promise<Availability>;
  readonly uploadIdleTimeoutMs: number;
  readonly clock: Clock;
}

const defaultTailLines = 100;
const defaultLogBytes = 16_000_000;

/** Wire in, wire out. */
export class HostHandler implements host.HostServiceImplementation {
  readonly #options: HostHandlerOptions;
  readonly #processes: Processes;
  readonly #artifacts: ArtifactStore;

  constructor(options: HostHandlerOptions) {
    this.#options = options;
    this.#processes = options.processes;
    this.#artifacts = options.artifacts;
  }

  async getHost(): Promise<host.GetHostResponse> {
    const { describe, availability, clock } = this.#options;
    const now = { host: await describe(), ...(await availability()) };
    return { ...now, currentTime: timestampToProto(clock.now()) };
  }

  async startProcess({ processId, spec, requestId, fence }: host.StartProcessRequest) {
    const asked = { spec: specFromProto(spec), requestId, ...fenceOf(fence) };
    return processToProto(await this.#processes.start(processId, asked));
  }

  async stopProcess({ name, gracePeriod, fence }: host.StopProcessRequest) {
    const graceMs = durationFromProto(gracePeriod);
    if (graceMs !== undefined && graceMs < 0) throw badRequest('grace_period', 'is negative.');
    const how = { ...(graceMs !== undefined && { graceMs }), ...fenceOf(fence) };
    return processToProto(this.#processes.stop(idOf(name), how));
  }

  async restoreFiles({ name, fence }: host.RestoreFilesRequest) {
    return this.#shown(await this.#processes.restoreFiles(idOf(name), fenceOf(fence).fence));
  }

  async getProcess({ name }: host.GetProcessRequest) {
    return this.#shown(this.#processes.get(idOf(name)));
  }

  async listProcesses(request: host.ListProcessesRequest) {
    const { revision } = this.#processes;
    const { items, nextPageToken } = pageOf(this.#processes.list(), request, ({ id }) => id);
    const processes = await Promise.all(items.map((record) => this.#shown(record)));
    const heldPorts = this.#processes.heldPorts().map((one) => host.HeldPort.fromPartial(one));
    return { processes, nextPageToken, revision, heldPorts };
  }

  async *watchProcesses(
    { startRevision }: host.WatchProcessesRequest,
    { signal }: CallContext,
  ): AsyncGenerator<host.WatchProcessesResponse, void> {
    if (startRevision < 0n) throw badRequest('start_revision', 'must not be negative.');
    for await (const change of this.#processes.changes.watch(startRevision, signal)) {
      yield { event: eventOf(change), revision: change.revision };
    }
  }

  async deleteProcess({ name, allowMissing, fence }: host.DeleteProcessRequest) {
    const id = idOf(name);
    const isMissing = !this.#processes.list().some((record) => record.id === id);
    if (!isMissing || !allowMissing) await this.#processes.delete(id, fenceOf(fence).fence);
    return {};
  }

  async *readLogs(
    request: host.ReadLogsRequest,
    { signal }: CallContext,
  ): AsyncGenerator<host.ReadLogsResponse, void> {
    const { name, stream, startOffset, follow } = request;
    const isError = stream === host.LogStream.LOG_STREAM_ERROR;
    const limit = Number(request.maxBytes) || (follow ? Number.POSITIVE_INFINITY : defaultLogBytes);
    if (request.tailLines < 0 || limit < 0 || (startOffset ?? 0n) < 0n) {
      throw badRequest('start_offset', ', tail_lines and max_bytes must not be negative.');
    }
    const wanted = {
      ...(startOffset !== undefined && { startOffset: Number(startOffset) }),
      tailLines: request.tailLines || defaultTailLines,
      follow,
      maxBytes: limit,
    };
    const chunks = this.#processes.readLog(
      idOf(name),
      isError ? 'error' : 'output',
      wanted,
      signal,
    );
    for await (const { offset, data } of chunks) yield { offset: BigInt(offset), data };
  }

  async putArtifact(
    parts: AsyncIterable<host.PutArtifactRequest>,
    { signal }: CallContext,
  ): Promise<host.Artifact> {
    const idleTimeoutMs = this.#options.uploadIdleTimeoutMs;
    const { header, chunks } = await readUpload(parts, { idleTimeoutMs, signal });
    const digest = digestOf(header.name);
    const { displayName } = header;
    const sizeBytes = Number(header.sizeBytes);
    return this.#artifactToProto(
      await this.#artifacts.put({ digest, displayName, sizeBytes }, chunks),
    );
  }

  async pullArtifact(request: host.PullArtifactRequest): Promise<host.PullArtifactResponse> {
    const { name, displayName, unpack, fence } = request;
    const [digest, sizeBytes] = [digestOf(name), Number(request.sizeBytes)];
    if (sizeBytes < 0) throw badRequest('size_bytes', 'is negative.');
    const { journal, peerAt, pulls } = this.#options;
    journal.checkFence(fence);
    const peers = request.sources.map(peerAt);
    const progress = await pulls.pull({ digest, sizeBytes, displayName, peers, unpack });
    const { artifact, receivedBytes, failure } = progress;
    return {
      artifact: artifact && this.#artifactToProto(artifact),
      receivedBytes: BigInt(receivedBytes),
      failureReason: failure?.reason ?? '',
      failureMessage: failure?.message ?? '',
    };
  }

  async *readArtifact(
    { name, offset }: host.ReadArtifactRequest,
    { signal }: CallContext,
  ): AsyncGenerator<host.ReadArtifactResponse, void> {
    const { reader } = this.#options;
    for await (const data of reader.read(digestOf(name), Number(offset), signal)) yield { data };
  }

  async getArtifact({ name, verify }: host.GetArtifactRequest) {
    const digest = digestOf(name);
    const found = verify ? await this.#artifacts.verify(digest) : this.#artifacts.get(digest);
    return this.#artifactToProto(found);
  }

  async listArtifacts(request: host.ListArtifactsRequest) {
    const { items, nextPageToken } = pageOf(this.#artifacts.list(), request, (one) => one.digest);
    return { artifacts: items.map((one) => this.#artifactToProto(one)), nextPageToken };
  }

  async deleteArtifact({ name, allowMissing }: host.DeleteArtifactRequest) {
    const digest = digestOf(name);
    if (allowMissing && this.#artifacts.find(digest) === undefined) return {};
    this.#processes.checkUnused(digest, name);
    await this.#artifacts.delete(digest);
    await this.#options.unpacked.delete(digest);
    return {};
  }

  async writeProbe({ fence, createDirectory, ...probe }: host.WriteProbeRequest) {
    const { journal, probes } = this.#options;
    journal.checkFence(fence);
    await probes.write(probe, { createDirectory });
    return {};
  }

  async readProbe(probe: host.ReadProbeRequest): Promise<host.ReadProbeResponse> {
    return { content: await this.#options.probes.read(probe) };
  }

  async #shown(record: ProcessRecord): Promise<host.Process> {
    return processToProto(record, await this.#processes.changedFiles(record));
  }

  #artifactToProto({ digest, sizeBytes, displayName, createdMs }: StoredArtifact): host.Artifact {
    return {
      name: nameOf(digest),
      sizeBytes: BigInt(sizeBytes),
      displayName,
      createTime: timeOf(createdMs),
      unpacked: this.#options.unpacked.has(digest),
    };
  }
}

function idOf(name: string): string {
  const id = /^processes\/([^/]+)$/.exec(name)?.[1];
  if (id === undefined)
    throw badRequest('name', `${JSON.stringify(name)} is not processes/{process}.`);
  return id;
}

function fenceOf(fence: Fence | undefined): { readonly fence?: Fence } {
  return fence === undefined ? {} : { fence };
}

function eventOf({ id, value }: Change<ProcessRecord>): host.WatchProcessesResponse['event'] {
  if (value === undefined) return { $case: 'deletedName', value: `processes/${id}` };
  return { $case: 'put', value: processToProto(value) };
}
