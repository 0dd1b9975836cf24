import { durationFromProto, durationToProto, timestampToProto } from '@tessera/client';
import { host } from '@tessera/proto';
import { badRequest } from '../errors.ts';
import { type ProcessRecord, stateOf } from '../process/process-record.ts';
import {
  type ProcessSpec,
  type ResourceLimits,
  type RestartPolicy,
  specDefaults,
} from '../process/process-spec.ts';
import type { RunExit } from '../process/run-status.ts';
import { sha256Of } from '../process/work-files.ts';

/** Between messages and what the host works with. */

const { RestartMode } = host;

export function specFromProto(message: host.ProcessSpec | undefined): ProcessSpec {
  if (message === undefined) throw badRequest('spec', 'is missing.');
  const { workingDirectory, logRotation, limits } = message;
  const names = Object.keys(message.environment).sort();
  return {
    argv: message.argv,
    environment: Object.fromEntries(names.map((name) => [name, message.environment[name]!])),
    ...(workingDirectory !== '' && { workingDirectory }),
    restart: restartFromProto(message.restart),
    limits: limitsFromProto(limits),
    rotation: {
      maxBytes: Number(logRotation?.maxBytes ?? 0n) || specDefaults.logMaxBytes,
      maxFiles: logRotation?.maxFiles || specDefaults.logMaxFiles,
    },
    graceMs: durationFromProto(message.gracePeriod) ?? specDefaults.graceMs,
    artifacts: message.artifacts.map(({ artifact, path, unpack }) => ({
      digest: digestOf(artifact),
      path,
      unpack,
    })),
    files: message.files.map(({ path, content }) => ({ path, content })),
    ...(message.endWhenCutOff && { endWhenCutOff: true as const }),
  };
}

function restartFromProto(policy: host.RestartPolicy | undefined): RestartPolicy {
  const { initialBackoffMs, maxBackoffMs } = specDefaults;
  return {
    mode: modeOf(policy?.mode ?? RestartMode.RESTART_MODE_NEVER),
    initialBackoffMs: durationFromProto(policy?.initialBackoff) ?? initialBackoffMs,
    maxBackoffMs: durationFromProto(policy?.maxBackoff) ?? maxBackoffMs,
    maxRestarts: policy?.maxRestarts ?? 0,
  };
}

function modeOf(mode: host.RestartMode): RestartPolicy['mode'] {
  switch (mode) {
    case RestartMode.RESTART_MODE_UNSPECIFIED:
    case RestartMode.RESTART_MODE_NEVER:
      return 'never';
    case RestartMode.RESTART_MODE_ON_FAILURE:
      return 'on-failure';
    case RestartMode.RESTART_MODE_ALWAYS:
      return 'always';
    default:
      throw badRequest('spec.restart.mode', `${mode} is not known to this host.`);
  }
}

const modesToProto = {
  never: RestartMode.RESTART_MODE_NEVER,
  'on-failure': RestartMode.RESTART_MODE_ON_FAILURE,
  always: RestartMode.RESTART_MODE_ALWAYS,
} as const;

function limitsFromProto(limits: host.ResourceLimits | undefined): ResourceLimits {
  const { nice = 0, openFiles, addressSpaceBytes, processes, coreBytes } = limits ?? {};
  return {
    nice,
    ...(openFiles !== undefined && { openFiles: Number(openFiles) }),
    ...(addressSpaceBytes !== undefined && { addressSpaceBytes: Number(addressSpaceBytes) }),
    ...(processes !== undefined && { processes: Number(processes) }),
    ...(coreBytes !== undefined && { coreBytes: Number(coreBytes) }),
  };
}

export function specToProto(spec: ProcessSpec): host.ProcessSpec {
  const { restart, limits, rotation } = spec;
  return host.ProcessSpec.fromPartial({
    argv: spec.argv,
    environment: spec.environment,
    workingDirectory: spec.workingDirectory ?? '',
    restart: {
      mode: modesToProto[restart.mode],
      initialBackoff: durationToProto(restart.initialBackoffMs),
      maxBackoff: durationToProto(restart.maxBackoffMs),
      maxRestarts: restart.maxRestarts,
    },
    limits: {
      nice: limits.nice,
      openFiles: optionalBigInt(limits.openFiles),
      addressSpaceBytes: optionalBigInt(limits.addressSpaceBytes),
      processes: optionalBigInt(limits.processes),
      coreBytes: optionalBigInt(limits.coreBytes),
    },
    logRotation: { maxBytes: BigInt(rotation.maxBytes), maxFiles: rotation.maxFiles },
    gracePeriod: durationToProto(spec.graceMs),
    artifacts: spec.artifacts.map(({ digest, ...rest }) => ({
      artifact: `artifacts/${digest}`,
      ...rest,
    })),
    files: spec.files.map((file) => ({ path: file.path, sha256: sha256Of(file) })),
    endWhenCutOff: spec.endWhenCutOff ?? false,
  });
}

/** @param changedFiles absent: nobody has looked */
export function processToProto(
  record: ProcessRecord,
  changedFiles: readonly string[] = [],
): host.Process {
  const { lastExit, startedMs, dueMs, child } = record;
  return host.Process.fromPartial({
    name: `processes/${record.id}`,
    uid: record.uid,
    revision: BigInt(record.revision),
    createTime: timeOf(record.createdMs),
    spec: specToProto(record.spec),
    state: host.ProcessState[`PROCESS_STATE_${stateOf(record)}`],
    pid: child?.pid ?? 0,
    pidStartTicks: BigInt(child?.startTicks ?? 0),
    run: record.run,
    startTime: startedMs === undefined ? undefined : timeOf(startedMs),
    lastExit: lastExit && exitToProto(lastExit),
    restartCount: record.restarts,
    nextStartTime: dueMs === undefined ? undefined : timeOf(dueMs),
    changedFiles,
  });
}

function exitToProto({ cause, atMs }: RunExit): host.ProcessExit {
  return { cause: causeToProto(cause), endTime: timeOf(atMs) };
}

function causeToProto(cause: RunExit['cause']): host.ProcessExit['cause'] {
  switch (cause.kind) {
    case 'code':
      return { $case: 'code', value: cause.code };
    case 'signal':
      return { $case: 'signal', value: cause.signal };
    case 'not-started':
      return { $case: 'notStarted', value: cause.message };
    case 'unknown':
      return { $case: 'unknown', value: cause.message };
  }
}

/** SHA-256 of `artifacts/{sha256}`. */
export function digestOf(name: string): string {
  const digest = /^artifacts\/([0-9a-f]{64})$/.exec(name)?.[1];
  if (digest !== undefined) return digest;
  throw badRequest('name', `${JSON.stringify(name)} is not artifacts/ and 64 hexadecimal digits.`);
}

export function timeOf(ms: number) {
  return timestampToProto(BigInt(Math.trunc(ms)) * 1000n);
}

function optionalBigInt(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}
