import { Code, TesseraError } from '@tessera/base';

/** Nothing more can be written. What was there before is whole. */
export function diskFull(path: string, cause?: unknown): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'DISK_FULL',
    message: `No space is left for ${path}; free some and try again. What was there before is intact.`,
    metadata: { path },
    cause,
  });
}
