import { limitsUnsupported } from '../errors.ts';
import { findExecutable } from './executable.ts';
import type { ResourceLimits } from './process-spec.ts';

/** The programs by which a process gets limits before it becomes what it is to be; absent: not installed. */
export interface LimitTools {
  readonly prlimit?: string;
  readonly nice?: string;
}

export function findLimitTools(path: string): LimitTools {
  const find = (program: string) => {
    try {
      return findExecutable(program, { path, folder: '/' });
    } catch {
      return undefined;
    }
  };
  const [prlimit, nice] = [find('prlimit'), find('nice')];
  return { ...(prlimit && { prlimit }), ...(nice && { nice }) };
}

/**
 * The command that holds itself to the limits and then becomes `argv`, with the same pid.
 * @throws LIMITS_UNSUPPORTED when this machine lacks what that takes.
 */
export function limitedArgv(
  argv: readonly string[],
  limits: ResourceLimits,
  tools: LimitTools,
): readonly string[] {
  const sizes: Readonly<Record<string, number | undefined>> = {
    nofile: limits.openFiles,
    as: limits.addressSpaceBytes,
    nproc: limits.processes,
    core: limits.coreBytes,
  };
  const options = Object.entries(sizes).flatMap(([name, size]) =>
    size === undefined ? [] : [`--${name}=${size}:${size}`],
  );
  const niced = limits.nice === 0 ? argv : [tools.nice, '-n', `${limits.nice}`, ...argv];
  const limited = options.length === 0 ? niced : [tools.prlimit, ...options, ...niced];
  return limited.map((word, i) => word ?? missing(limited, i));
}

function missing(limited: readonly (string | undefined)[], i: number): never {
  throw limitsUnsupported(limited[i + 1] === '-n' ? 'nice' : 'prlimit');
}
