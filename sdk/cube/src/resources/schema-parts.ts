import { z } from 'zod';
import { parseTimeSpan } from './time-span.ts';

/** What the shapes of several kinds of resources are made of. */
export const text = z.string().min(1, 'must not be empty');
export const resourceId = text.regex(
  /^[a-z0-9][a-z0-9_.-]{0,127}$/,
  "must be of a-z, 0-9, '_', '-', '.', at most 128, beginning with a letter or digit",
);
export const timeSpan = z.custom<string>(
  (value) => typeof value === 'string' && parseTimeSpan(value) !== undefined,
  'must be a time such as 500ms, 10s, 5m or 1h',
);
export const atMost = (count: number) => `must not have more than ${count} entries`;

export const header = <K extends string>(kind: K) => ({
  apiVersion: z.literal('tessera/v1'),
  kind: z.literal(kind),
  name: resourceId,
});
