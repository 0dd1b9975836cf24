import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { quoteText } from '@tessera/duckdb';
import type { Session } from './session.ts';

/** Rows per row group: small enough that minimum and maximum of a sorted column prune well. */
export const rowGroupRows = 61_440;

/** What a finished file is told apart by. */
export interface WrittenFile {
  readonly sizeBytes: bigint;
  readonly fileDigest: string;
}

/** Runs a SELECT into a Parquet file and syncs it. */
export async function writeParquet(
  session: Session,
  select: string,
  path: string,
): Promise<WrittenFile> {
  await copyParquet(session, select, path);
  return finishFile(session, path);
}

/** Runs a SELECT into a Parquet file that `finishFile` has to finish. */
export async function copyParquet(session: Session, select: string, path: string): Promise<void> {
  await session.attempt(() => mkdir(dirname(path), { recursive: true }));
  await session.run(
    `COPY (${select}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE ${rowGroupRows})`,
  );
}

/** Syncs a file that was just written, without the database, and says what is in it. */
export function finishFile(session: Session, path: string): Promise<WrittenFile> {
  return session.attempt(async () => {
    const file = await open(path, 'r+');
    try {
      await file.sync();
      const { size } = await file.stat();
      const hash = createHash('sha256');
      const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(size, 1 << 20)));
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length);
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
      }
      return { sizeBytes: BigInt(size), fileDigest: hash.digest('hex') };
    } finally {
      await file.close();
    }
  });
}
