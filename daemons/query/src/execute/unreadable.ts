import { Code, isTesseraError, type TesseraError } from '@tessera/base';
import type { LookupSnapshot, ScanPlan } from '@tessera/cube';

/** A stored file that cannot be read although the metadata names it: to be left out of the next plan. */
export class Unreadable extends Error {
  readonly what: UnreadableFile;
  override readonly cause: TesseraError;

  constructor(what: UnreadableFile, cause: TesseraError) {
    super(cause.message);
    this.what = what;
    this.cause = cause;
  }
}

/** The layout of a scan, in the segments that it read, or a lookup's snapshot. */
export type UnreadableFile =
  | { readonly kind: 'layout'; readonly scan: ScanPlan }
  | { readonly kind: 'snapshot'; readonly snapshot: LookupSnapshot };

const unreadableReasons: ReadonlySet<string> = new Set([
  'LAYOUT_CORRUPTED',
  'SEGMENT_CORRUPT',
  'LAYOUT_NOT_STORED',
  'SNAPSHOT_NOT_STORED',
  'FILE_NOT_STORED',
]);

/** True for failures of the file itself, which trying again does not mend. */
export function isUnreadable(error: unknown): error is TesseraError {
  if (!isTesseraError(error)) return false;
  return error.code === Code.DATA_LOSS || unreadableReasons.has(error.reason);
}
