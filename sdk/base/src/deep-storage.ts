/**
 * The contract of deep storage: where a copy of every stored file is kept apart from the hosts that serve it. Files are
 * immutable and named by their content, so nothing is ever overwritten, every step may be repeated, and any number of hosts may
 * use one deep storage at once without locks.
 */
export interface DeepStorage {
  /**
   * Stores content under its digest; resolves when it is durable and visible as a whole, never in part. When that digest is there
   * already the content is not read: to mend a damaged file, set it aside first; it is deleted when the whole one is there.
   * @throws DATA_LOSS DEEP_UPLOAD_MISMATCH when the content has another digest; DEEP_STORAGE_FULL; DEEP_STORAGE_UNAVAILABLE;
   * DEEP_STORAGE_DENIED; what reading the content throws. Then nothing is visible.
   */
  put(digest: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<DeepFile>;

  /**
   * The content, as it is read. What came is the file only when the iteration ends without an error.
   * @throws NOT_FOUND DEEP_FILE_NOT_STORED; DATA_LOSS DEEP_FILE_CORRUPT, at the end, when it has another digest;
   * DEEP_STORAGE_UNAVAILABLE; DEEP_STORAGE_DENIED.
   */
  get(digest: string, signal: AbortSignal): AsyncIterable<Uint8Array>;

  /** What is known of a file without reading it; `undefined` when there is none. */
  stat(digest: string, signal: AbortSignal): Promise<DeepFile | undefined>;

  /** All files in the order of their digests. What is stored or deleted meanwhile may be among them or not. */
  list(signal: AbortSignal): AsyncIterable<DeepFile>;

  /** Deletes a file, also one that was set aside; false when there was neither. */
  delete(digest: string, signal: AbortSignal): Promise<boolean>;

  /**
   * Puts a file aside because it was found damaged: from then on it is not there. Its bytes are kept until the same digest is
   * stored again, as they may be all that is left. False when there was none.
   */
  setAside(digest: string, signal: AbortSignal): Promise<boolean>;

  /** All files that are set aside, as `list` gives the others. */
  listSetAside(signal: AbortSignal): AsyncIterable<DeepFile>;

  /** Deletes what uploads that died have left behind and have not written to since `beforeMs`, in milliseconds since 1970; says how many. */
  sweep(beforeMs: number, signal: AbortSignal): Promise<number>;
}

export interface DeepFile {
  /** SHA-256 of the content, in hexadecimal. */
  readonly digest: string;
  readonly sizeBytes: number;
}
