import { Code, type FieldViolation, messageOf, TesseraError } from '@tessera/base';

/** Another daemon keeps the processes of that directory. */
export function directoryLocked(directory: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'HOST_DIRECTORY_LOCKED',
    message: `${directory} is in use by another host daemon; stop that one, or choose another directory.`,
    metadata: { directory },
  });
}

/** What was written down of processes cannot be read. They run on. */
export function journalCorrupt(file: string, detail: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'HOST_JOURNAL_CORRUPT',
    message: `The journal ${file} is damaged (${detail}); it was left as it is. Move it away to begin anew: processes that still run then have to be ended by hand.`,
    metadata: { file, detail },
  });
}

/** Nothing was done, because it could not be written down first. */
export function journalFailed(file: string, cause: unknown): TesseraError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'HOST_JOURNAL_FAILED',
    message: `The journal ${file} could not be written (${detail}): nothing was done. Make room on the disk, then try again.`,
    metadata: { file, detail },
    cause,
  });
}

/** Somebody with a newer token has been here: the caller has lost its lease. */
export function fenced(lease: string, token: bigint): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'FENCED',
    message: `Token ${token} of ${lease} is not the newest that this host has seen: the lease was lost. Stop acting, acquire it again.`,
    metadata: { lease, token: `${token}` },
  });
}

/** Such a process would be ended at once. */
export function hostCutOff(id: string): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'HOST_CUT_OFF',
    message: `Process ${id} ends when this host is cut off from metadata, which it is: nothing was started. Try again when the host is alive.`,
    metadata: { process: id },
  });
}

export function processNotFound(id: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'PROCESS_NOT_FOUND',
    message: `There is no process ${id} on this host; list what there is.`,
    metadata: { process: id },
  });
}

export function processExists(id: string): TesseraError {
  return new TesseraError({
    code: Code.ALREADY_EXISTS,
    reason: 'PROCESS_EXISTS',
    message: `Process ${id} runs with another spec; stop it first, or choose another name.`,
    metadata: { process: id },
  });
}

export function processStopping(id: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'PROCESS_STOPPING',
    message: `Process ${id} is being stopped; start it again when its state is STOPPED.`,
    metadata: { process: id },
  });
}

export function processRunning(id: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'PROCESS_RUNNING',
    message: `Process ${id} has not ended; stop it before it is deleted.`,
    metadata: { process: id },
  });
}

/** Something was found that should have ended with its run: it is being killed, and nothing was forgotten. */
export function processOutlived(id: string, pids: readonly number[]): TesseraError {
  const found = pids.join(', ');
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'PROCESS_OUTLIVED',
    message: `Of a run of ${id} that is over there were still processes (${found}), which are killed now; try again.`,
    metadata: { process: id, pids: found },
  });
}

export function tooManyProcesses(limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'TOO_MANY_PROCESSES',
    message: `This host keeps ${limit} processes already, which is its limit; delete some that have ended.`,
    metadata: { limit: `${limit}` },
  });
}

export function specInvalid(id: string, violations: readonly FieldViolation[]): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'PROCESS_INVALID',
    message: `Process ${id} cannot be started: ${violations.map(({ field, description }) => `${field}: ${description}`).join('; ')}`,
    metadata: { process: id },
    violations,
  });
}

export function executableNotFound(program: string, path: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'EXECUTABLE_NOT_FOUND',
    message: `${program} is no program that can be executed on this host (PATH is ${path}).`,
    metadata: { program, path },
  });
}

export function workingDirectoryMissing(directory: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'WORKING_DIRECTORY_MISSING',
    message: `${directory} is no directory on this host; make it first, or leave it to the host.`,
    metadata: { directory },
  });
}

export function limitsUnsupported(tool: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'LIMITS_UNSUPPORTED',
    message: `This host cannot hold a process to those limits: ${tool} is not installed. Install it, or start the process without.`,
    metadata: { tool },
  });
}

export function historyGone(revision: bigint): TesseraError {
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: 'REVISION_COMPACTED',
    message: `Changes from revision ${revision} on are no longer known; list the processes again and watch from there.`,
    metadata: { revision: `${revision}` },
  });
}

export function logRotated(offset: number, oldest: number): TesseraError {
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: 'LOG_ROTATED',
    message: `Offset ${offset} of the log is no longer kept; the oldest is ${oldest}. Read from there, or keep more files.`,
    metadata: { offset: `${offset}`, oldest: `${oldest}` },
  });
}

export function artifactNotFound(name: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'ARTIFACT_NOT_FOUND',
    message: `${name} is not on this host; put it first.`,
    metadata: { name },
  });
}

/** What came is not what was announced. Nothing of it was kept. */
export function artifactMismatch(name: string, expected: string, found: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'ARTIFACT_MISMATCH',
    message: `${name}: ${expected} was announced, but ${found} came; put it again.`,
    metadata: { name, expected, found },
  });
}

/** The file on the disk is not what was taken in. It is set aside and never used. */
export function artifactCorrupted(name: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'ARTIFACT_CORRUPTED',
    message: `${name} is damaged on this host's disk and was set aside under quarantine/; put it again.`,
    metadata: { name },
  });
}

export function artifactInUse(name: string, process: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'ARTIFACT_IN_USE',
    message: `${name} is needed by process ${process}; delete that one first.`,
    metadata: { name, process },
  });
}

export function artifactTooLarge(name: string, limitBytes: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'ARTIFACT_TOO_LARGE',
    message: `${name} is larger than the ${limitBytes} bytes that one artifact may have; raise maxArtifactBytes, or split it.`,
    metadata: { name, limitBytes: `${limitBytes}` },
  });
}

/** An archive that is damaged, or would put something where it must not be. */
export function artifactNotUnpackable(name: string, detail: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'ARTIFACT_NOT_UNPACKABLE',
    message: `${name} cannot be unpacked: ${detail}. Put a .tar.gz of files, folders and links within it.`,
    metadata: { name, detail },
  });
}

export interface PeerFailure {
  readonly address: string;
  readonly reason: string;
}

/** All that were named have answered, and none has it. */
export function artifactInNoSource(digest: string, failures: readonly PeerFailure[]): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'ARTIFACT_IN_NO_SOURCE',
    message: `artifacts/${digest} is on none of ${failures.length} hosts that were asked; put it again.`,
    metadata: { digest, sources: failures.map(({ address }) => address).join(', ') },
  });
}

/** Some source broke off, or gave something else; what has come is kept, and the next attempt goes on with it. */
export function pullFailed(digest: string, failures: readonly PeerFailure[]): TesseraError {
  const detail = failures.map(({ address, reason }) => `${address}: ${reason}`).join(', ');
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'PULL_FAILED',
    message: `artifacts/${digest} did not come from other hosts (${detail}); try again.`,
    metadata: { digest, detail },
  });
}

/** The disk does not take it, for another reason than that it is full. */
export function notStored(name: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'ARTIFACT_NOT_STORED',
    message: `${name} could not be kept on this host: ${messageOf(cause)}. Look at its disk, then try again.`,
    metadata: { name },
    cause,
  });
}

export function offsetBeyondEnd(name: string, offset: number, sizeBytes: number): TesseraError {
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: 'OFFSET_BEYOND_END',
    message: `${name} has ${sizeBytes} bytes, so none from ${offset} on; read it from its beginning.`,
    metadata: { name, offset: `${offset}`, sizeBytes: `${sizeBytes}` },
  });
}

export function tooManyPulls(limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'TOO_MANY_PULLS',
    message: `${limit} artifacts are coming from other hosts already; try again when one is here.`,
    metadata: { limit: `${limit}` },
  });
}

export function tooManyReaders(limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'TOO_MANY_READERS',
    message: `${limit} hosts read artifacts from here already; ask another host, or try again later.`,
    metadata: { limit: `${limit}` },
  });
}

export function tooManyUploads(limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'TOO_MANY_UPLOADS',
    message: `${limit} artifacts are being put already; try again when one is done.`,
    metadata: { limit: `${limit}` },
  });
}

export function probeInvalid(field: 'directory' | 'owner' | 'nonce', text: string): TesseraError {
  const description = {
    directory: 'must be file:/// and an absolute path, without ".."',
    owner: 'must be 1 to 32 of a-z and 0-9',
    nonce: 'must be 32 hexadecimal digits',
  }[field];
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'PROBE_INVALID',
    message: `${field}: ${JSON.stringify(text)} ${description}.`,
    metadata: { field, text },
  });
}

export function directoryMissing(directory: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'DIRECTORY_MISSING',
    message: `${directory} is not there on this host; mount it, or make it.`,
    metadata: { directory },
  });
}

/** @param detail in the words of the system */
export function directoryUnusable(directory: string, detail: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'DIRECTORY_UNUSABLE',
    message: `${directory} cannot be used on this host: ${detail}. Let the user of the host daemon read and write there.`,
    metadata: { directory, detail },
  });
}

/** It may be there for others, in a directory of the same name. */
export function probeMissing(directory: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'PROBE_MISSING',
    message: `${directory} is there on this host, but does not hold what another host wrote into it: mount the same file system on both.`,
    metadata: { directory },
  });
}

export function tooManyProbes(limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'TOO_MANY_PROBES',
    message: `${limit} probes of directories run already, some of which may hang; mend the file systems, or try again later.`,
    metadata: { limit: `${limit}` },
  });
}

export function badRequest(field: string, description: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_REQUEST',
    message: `${field}: ${description}`,
    metadata: { field },
    violations: [{ field, description }],
  });
}

/** A copy of this daemon's folder, or of its whole machine, is a host already. */
export function joinedTwice(name: string, address: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'HOST_JOINED_TWICE',
    message: `${name} lives at ${address} already, with the same identity: was its folder or its machine copied? Stop one of them, or give this one another --name and an empty --data.`,
    metadata: { name, address },
  });
}

/** The folder was registered under another name. */
export function folderOfAnother(owner: string, name: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'HOST_FOLDER_OF_ANOTHER',
    message: `The folder is that of host ${owner}, with its processes: start it as --name ${owner}, or give ${name} an empty --data.`,
    metadata: { owner, name },
  });
}

/** Every interface is no place that others could reach. */
export function addressWildcard(address: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'HOST_ADDRESS_WILDCARD',
    message: `The host would listen on ${address}, which is no address that others reach it at: name that one with --advertise.`,
    metadata: { address },
  });
}
