import type { FieldViolation } from '@tessera/base';
import type { RotationLimits } from './rotate-log.ts';

/** What to run and how, with nothing left to a default. Equal specs have equal JSON. */
export interface ProcessSpec {
  readonly argv: readonly string[];
  /** In the order of its names. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absent: a folder of its own. */
  readonly workingDirectory?: string;
  readonly restart: RestartPolicy;
  readonly limits: ResourceLimits;
  readonly rotation: RotationLimits;
  readonly graceMs: number;
  readonly artifacts: readonly ArtifactLink[];
  readonly files: readonly ProcessFile[];
  /** It is killed when the host has been cut off from metadata, whether the daemon runs or not. Absent: it lives on. */
  readonly endWhenCutOff?: true;
}

export interface RestartPolicy {
  readonly mode: 'never' | 'on-failure' | 'always';
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  /** 0: no end. */
  readonly maxRestarts: number;
}

/** Of each process of the group. Absent: as the daemon's own. */
export interface ResourceLimits {
  readonly nice: number;
  readonly openFiles?: number;
  readonly addressSpaceBytes?: number;
  readonly processes?: number;
  readonly coreBytes?: number;
}

export interface ArtifactLink {
  /** SHA-256. */
  readonly digest: string;
  /** Relative to the working directory. */
  readonly path: string;
  /** As a folder with what is packed in it. */
  readonly unpack: boolean;
}

export interface ProcessFile {
  /** Relative to the working directory. */
  readonly path: string;
  readonly content: string;
}

export const specDefaults = {
  initialBackoffMs: 1_000,
  maxBackoffMs: 60_000,
  graceMs: 10_000,
  logMaxBytes: 10_000_000,
  logMaxFiles: 5,
} as const;

export const specBounds = {
  longestMs: 3_600_000,
  logMinBytes: 4096,
  logMaxFiles: 100,
  /** Of all arguments and the environment together: what the kernel takes is a little more. */
  argumentBytes: 1 << 20,
  artifacts: 1000,
  files: 100,
  /** Of all files together. */
  fileBytes: 1_000_000,
} as const;

/** Everything that is wrong with a spec, by field. */
export function faultsOf(spec: ProcessSpec): FieldViolation[] {
  const faults: FieldViolation[] = [];
  const check = (isRight: boolean, field: string, description: string) => {
    if (!isRight) faults.push({ field: `spec.${field}`, description });
  };
  const { argv, environment, workingDirectory, restart, limits, rotation, graceMs } = spec;
  const texts = [...argv, ...Object.entries(environment).flat()];
  check((argv[0] ?? '') !== '', 'argv', 'must begin with a program.');
  check(!texts.some((text) => text.includes('\0')), 'argv', 'and environment cannot hold NUL.');
  check(
    texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0) <= specBounds.argumentBytes,
    'argv',
    `and environment may have ${specBounds.argumentBytes} bytes together.`,
  );
  for (const name of Object.keys(environment)) {
    const isName = /^[^=]+$/.test(name) && !name.startsWith('TESSERA_PROCESS');
    check(isName, 'environment', `${JSON.stringify(name)} cannot be set.`);
  }
  check(workingDirectory?.startsWith('/') ?? true, 'working_directory', 'must be absolute.');
  const isSpan = (ms: number) => ms >= 0 && ms <= specBounds.longestMs;
  check(isSpan(graceMs), 'grace_period', 'must be from 0 s to 1 h.');
  const { initialBackoffMs, maxBackoffMs } = restart;
  check(isSpan(initialBackoffMs), 'restart.initial_backoff', 'must be from 0 s to 1 h.');
  check(isSpan(maxBackoffMs), 'restart.max_backoff', 'must be from 0 s to 1 h.');
  check(restart.maxRestarts >= 0, 'restart.max_restarts', 'must not be negative.');
  check(limits.nice >= -20 && limits.nice <= 19, 'limits.nice', 'must be from -20 to 19.');
  const { nice: _, ...sizes } = limits;
  for (const size of Object.values(sizes)) check(size >= 0, 'limits', 'must not be negative.');
  const isKept = rotation.maxBytes >= specBounds.logMinBytes;
  check(isKept, 'log_rotation.max_bytes', `must be ${specBounds.logMinBytes} or more.`);
  const files = rotation.maxFiles;
  const isFew = files >= 1 && files <= specBounds.logMaxFiles;
  check(isFew, 'log_rotation.max_files', `must be from 1 to ${specBounds.logMaxFiles}.`);
  const isShort = spec.artifacts.length <= specBounds.artifacts;
  check(isShort, 'artifacts', `may be ${specBounds.artifacts} at most.`);
  check(spec.files.length <= specBounds.files, 'files', `may be ${specBounds.files} at most.`);
  const bytes = spec.files.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  const isSmall = bytes <= specBounds.fileBytes;
  check(
    isSmall,
    'files',
    `may have ${specBounds.fileBytes} bytes together; put others as artifacts.`,
  );
  return [...faults, ...pathFaultsOf(spec)];
}

/** Each path is within the working directory, is there once, and none lies in what is another one. */
function pathFaultsOf({ artifacts, files }: ProcessSpec): FieldViolation[] {
  const all = [
    ...artifacts.map(({ path }) => ({ field: 'spec.artifacts.path', path })),
    ...files.map(({ path }) => ({ field: 'spec.files.path', path })),
  ];
  return all.flatMap(({ field, path }, i) => {
    const at = JSON.stringify(path);
    const steps = path.split('/');
    if (steps.some((step) => ['', '.', '..'].includes(step)) || path.includes('\0')) {
      return [{ field, description: `${at} must be relative, without "." and "..".` }];
    }
    const other = all.find((one, j) => j !== i && `${path}/`.startsWith(`${one.path}/`));
    if (other === undefined) return [];
    return [{ field, description: `${at} is, or lies in, ${JSON.stringify(other.path)}.` }];
  });
}

export function isSameSpec(a: ProcessSpec, b: ProcessSpec): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
