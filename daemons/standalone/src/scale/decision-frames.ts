import { crc32 } from 'node:zlib';
import { isTesseraError } from '@tessera/base';
import { decodeRecord, encodeRecord, scalingDecisionInvalid } from '@tessera/daemon';
import type { DecisionRecord } from '@tessera/scaling';

/**
 * Decisions as they stand in a file, one after the other: the length of the record, the record, and the checksum of both. Of a file that was
 * damaged or cut off no decision is believed. One that was cut between two decisions has fewer of them.
 */

const numberBytes = 4;
const frameBytes = 2 * numberBytes;

export function framed(records: readonly DecisionRecord[]): Uint8Array {
  return Buffer.concat(records.map((record) => frameOf(encodeRecord(record))));
}

function frameOf(record: Uint8Array): Buffer {
  const frame = Buffer.alloc(record.length + frameBytes);
  frame.writeUInt32BE(record.length, 0);
  frame.set(record, numberBytes);
  const end = numberBytes + record.length;
  frame.writeUInt32BE(crc32(frame.subarray(0, end)), end);
  return frame;
}

/** @throws SCALING_DECISION_INVALID, which says at which decision and byte */
export function unframed(all: Uint8Array): readonly DecisionRecord[] {
  const bytes = Buffer.from(all.buffer, all.byteOffset, all.byteLength);
  const records: DecisionRecord[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const where = `decision ${records.length + 1}, at byte ${offset},`;
    const left = bytes.length - offset - frameBytes;
    const length = left < 0 ? 0 : bytes.readUInt32BE(offset);
    if (length > left) throw scalingDecisionInvalid(`${where} is cut off, or not one`);
    const end = offset + numberBytes + length;
    if (crc32(bytes.subarray(offset, end)) !== bytes.readUInt32BE(end)) {
      throw scalingDecisionInvalid(`${where} is damaged: it has another checksum`);
    }
    records.push(recordAt(where, bytes.subarray(offset + numberBytes, end)));
    offset = end + numberBytes;
  }
  return records;
}

function recordAt(where: string, bytes: Uint8Array): DecisionRecord {
  try {
    return decodeRecord(bytes);
  } catch (error) {
    if (!isTesseraError(error, 'SCALING_DECISION_INVALID')) throw error;
    throw scalingDecisionInvalid(`${where} is none: ${error.metadata['problem']}`);
  }
}
