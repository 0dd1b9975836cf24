import { type ProcessSpec, specDefaults } from '../process/process-spec.ts';

/** A spec with everything at its default. */
export function specOf(argv: readonly string[], changes: Partial<ProcessSpec> = {}): ProcessSpec {
  const { initialBackoffMs, maxBackoffMs, graceMs, logMaxBytes, logMaxFiles } = specDefaults;
  return {
    argv,
    environment: {},
    restart: { mode: 'never', initialBackoffMs, maxBackoffMs, maxRestarts: 0 },
    limits: { nice: 0 },
    rotation: { maxBytes: logMaxBytes, maxFiles: logMaxFiles },
    graceMs,
    artifacts: [],
    files: [],
    ...changes,
  };
}
