import { z } from 'zod';
import { internalKey } from '../resources/resource-key.ts';
import { catalogNewer, installationUnreadable } from './errors.ts';

/**
 * An installation: one platform, whatever store its metadata is moved to. Its record lies in the store itself, so that
 * who it belongs to, and in what format, is known before anything else is read or written.
 */
export interface Installation {
  readonly id: string;
  /** Of everything that the store holds, 1 or more. */
  readonly format: number;
}

/**
 * The newest format that this version reads and writes. It is raised when an older version would misread or harm what a
 * newer one writes; what is merely added needs no other format.
 */
export const catalogFormat = 1;

export const installationKey = internalKey('installation', 'record');

const record = z.object({ id: z.string().min(1), format: z.number().int().min(1) });

export function encodeInstallation({ id, format }: Installation): Uint8Array {
  return Buffer.from(JSON.stringify({ id, format }));
}

/** @throws CATALOG_NEWER, INSTALLATION_UNREADABLE. */
export function decodeInstallation(value: Uint8Array): Installation {
  const installation = parse(Buffer.from(value).toString());
  if (installation.format > catalogFormat) throw catalogNewer(installation.format, catalogFormat);
  return installation;
}

function parse(text: string): Installation {
  try {
    return record.parse(JSON.parse(text));
  } catch {
    throw installationUnreadable(`it is ${JSON.stringify(text.slice(0, 100))}`);
  }
}
