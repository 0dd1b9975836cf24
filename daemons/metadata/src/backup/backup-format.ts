import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { storeLimits } from '@tessera/base';
import { metadata } from '@tessera/proto';
import { backupCorrupt, backupCutOff, backupNewer, backupNotRecognised } from './errors.ts';

/** The format is described at `BackupRecord` in `backup_service.proto`. */
const formatVersion = 1;
const magic = 'tessera-backup ';

/** Larger than any entry of a store. */
const recordBytes = storeLimits.valueBytes + storeLimits.keyBytes + 1024;

export type BackupContent = Iterable<metadata.BackupEntry> | AsyncIterable<metadata.BackupEntry>;

/** The bytes of a backup, piece by piece. */
export async function* encodeBackup(
  header: metadata.BackupHeader,
  entries: BackupContent,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const hashed = (bytes: Buffer) => {
    hash.update(bytes);
    return bytes;
  };
  yield hashed(Buffer.from(`${magic}${formatVersion}\n`));
  yield hashed(frame({ $case: 'header', value: header }));
  let entryCount = 0n;
  for await (const entry of entries) {
    entryCount++;
    yield hashed(frame({ $case: 'entry', value: entry }));
  }
  yield frame({ $case: 'end', value: { entryCount, sha256: hash.digest() } });
}

/** What a backup holds, in order. The end comes last and only when everything before it was as written. */
export type BackupPart = Exclude<metadata.BackupRecord['record'], undefined>;

/**
 * Reads a backup as it comes.
 * @throws BACKUP_NOT_RECOGNISED, BACKUP_NEWER, BACKUP_CUT_OFF, BACKUP_CORRUPT.
 */
export async function* decodeBackup(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<BackupPart> {
  const bytes = new ByteReader(chunks);
  await readFirstLine(bytes);
  let entryCount = 0n;
  for (let first = true; ; first = false) {
    const offset = bytes.offset;
    const digest = bytes.digest();
    const record = await readRecord(bytes);
    if (first !== (record.$case === 'header')) throw backupCorrupt(offset, 'a record out of order');
    if (record.$case === 'entry') entryCount++;
    if (record.$case === 'end') {
      const { value: end } = record;
      if (end.entryCount !== entryCount) throw backupCorrupt(offset, 'another number of entries');
      if (!digest.equals(end.sha256)) throw backupCorrupt(offset, 'another checksum');
      if ((await bytes.upTo(1)).length > 0)
        throw backupCorrupt(bytes.offset, 'bytes after the end');
      yield record;
      return;
    }
    yield record;
  }
}

async function readFirstLine(bytes: ByteReader): Promise<void> {
  let line = '';
  while (!line.endsWith('\n')) {
    const next = await bytes.upTo(1);
    const expected = magic.startsWith(line) || /^tessera-backup \d{1,6}$/.test(line);
    if (!expected) throw backupNotRecognised();
    if (next.length === 0) {
      throw line.startsWith(magic) ? backupCutOff(bytes.offset) : backupNotRecognised();
    }
    line += next.toString('latin1');
  }
  const version = Number(/^tessera-backup (\d{1,6})\n$/.exec(line)?.[1] ?? 0);
  if (version < 1) throw backupNotRecognised();
  if (version > formatVersion) throw backupNewer(version, formatVersion);
}

async function readRecord(bytes: ByteReader): Promise<BackupPart> {
  const { offset } = bytes;
  const length = (await bytes.exactly(4)).readUInt32BE();
  if (length > recordBytes) throw backupCorrupt(offset, 'a record that is too long');
  const message = await bytes.exactly(length);
  const checksum = (await bytes.exactly(4)).readUInt32BE();
  if (crc32(message) !== checksum) throw backupCorrupt(offset, 'another checksum');
  const { record } = metadata.BackupRecord.decode(message);
  if (record === undefined) throw backupCorrupt(offset, 'a record of an unknown kind');
  return record;
}

function frame(record: BackupPart): Buffer {
  const message = metadata.BackupRecord.encode({ record }).finish();
  const bytes = Buffer.alloc(message.length + 8);
  bytes.writeUInt32BE(message.length, 0);
  bytes.set(message, 4);
  bytes.writeUInt32BE(crc32(message), message.length + 4);
  return bytes;
}

/** Takes bytes from chunks of any size, and keeps the digest of those that were taken. */
class ByteReader {
  offset = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #hash = createHash('sha256');
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
    this.#chunks = each(chunks);
  }

  /** Of everything that was taken. */
  digest(): Buffer {
    return this.#hash.copy().digest();
  }

  /** @throws BACKUP_CUT_OFF. */
  async exactly(count: number): Promise<Buffer> {
    const bytes = await this.upTo(count);
    if (bytes.length < count) throw backupCutOff(this.offset);
    return bytes;
  }

  /** Fewer only at the end. */
  async upTo(count: number): Promise<Buffer> {
    const parts = [this.#rest];
    let length = this.#rest.length;
    while (length < count) {
      const { done, value } = await this.#chunks.next();
      if (done) break;
      parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      length += value.byteLength;
    }
    const all = parts.length === 1 ? parts[0]! : Buffer.concat(parts, length);
    const taken = all.subarray(0, count);
    this.#rest = all.subarray(taken.length);
    this.offset += taken.length;
    this.#hash.update(taken);
    return taken;
  }
}

async function* each<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}
