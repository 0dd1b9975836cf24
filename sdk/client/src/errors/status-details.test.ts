import { Code, TesseraError } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import {
  decodeStatusDetails,
  encodeStatusDetails,
  errorOf,
  statusMessage,
} from './status-details.ts';

const received = (error: TesseraError) => errorOf(decodeStatusDetails(encodeStatusDetails(error)));

describe('an error that travels', () => {
  test('keeps code, reason, message, metadata and the place of each fault', () => {
    const error = new TesseraError({
      code: Code.INVALID_ARGUMENT,
      reason: 'MODEL_INVALID',
      message: 'Two faults in flights.yaml.',
      metadata: { model: 'flights' },
      violations: [
        {
          field: 'dimensions[2].column',
          description: 'No such column.',
          file: 'f.yaml',
          line: 7,
          column: 15,
        },
        { field: 'name', description: 'Missing.' },
      ],
    });
    const { code, reason, message, metadata, violations } = received(error);
    expect({ code, reason, message, metadata, violations }).toEqual({
      code: error.code,
      reason: error.reason,
      message: error.message,
      metadata: error.metadata,
      violations: error.violations,
    });
  });

  test('keeps when the call may be made again, and is without that where it may not', () => {
    const init = { code: Code.RESOURCE_EXHAUSTED, reason: 'QUERY_QUEUE_FULL', message: 'Full.' };
    expect(received(new TesseraError({ ...init, retryAfterMs: 1_250 })).retryAfterMs).toBe(1_250);
    expect(received(new TesseraError(init)).retryAfterMs).toBeUndefined();
  });

  test('stays under what every client takes, and says how much was left out', () => {
    const error = new TesseraError({
      code: Code.INVALID_ARGUMENT,
      reason: 'MODEL_INVALID',
      message: '表'.repeat(10_000),
      metadata: { big: 'x'.repeat(100_000), small: 'kept' },
      violations: Array.from({ length: 1_000 }, (_, i) => ({
        field: `dimensions[${i}]`,
        description: 'd'.repeat(50),
      })),
    });
    const headers = encodeStatusDetails(error).toString('base64') + encodeURI(statusMessage(error));
    expect(headers.length).toBeLessThan(8_000);
    const { violations, metadata } = received(error);
    expect(violations.length).toBeGreaterThan(5);
    expect(violations).toEqual(error.violations.slice(0, violations.length));
    expect(Number(metadata['violationsOmitted'])).toBe(1_000 - violations.length);
    expect(metadata['small']).toBe('kept');
  });

  test('has a reason even when somebody else wrote it', () => {
    const error = errorOf({ code: Code.NOT_FOUND, message: 'no', details: [] });
    expect(error).toMatchObject({ code: Code.NOT_FOUND, reason: 'UNKNOWN_FAILURE', message: 'no' });
  });
});
