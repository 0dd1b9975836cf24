/** A file that is to be copied. Its path means the same content everywhere. */
export interface WantedFile {
  /** Relative to the store's folder. */
  readonly file: string;
  readonly fileDigest: string;
  /** Absent: not known. */
  readonly sizeBytes?: number;
}

export interface FilePart {
  readonly data: Uint8Array;
  /** Of the whole file. */
  readonly sizeBytes: number;
}

/** Whoever may have a copy: another storage daemon, or deep storage. */
export interface FileSource {
  /** As it is named in failures. */
  readonly name: string;
  /** The bytes from `offset` on. It may break off or end too early; nothing of it is verified. */
  read(file: WantedFile, offset: number, signal: AbortSignal): AsyncIterable<FilePart>;
}
