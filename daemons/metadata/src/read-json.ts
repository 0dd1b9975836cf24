import { readFileSync } from 'node:fs';
import { messageOf } from '@tessera/base';
import { configInvalid } from './errors.ts';

/** What a file of configuration holds, not checked yet. @throws METADATA_CONFIG_INVALID when it is no JSON */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw configInvalid([{ field: file, description: messageOf(error) }]);
  }
}
