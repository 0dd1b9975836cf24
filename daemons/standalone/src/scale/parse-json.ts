import { messageOf } from '@tessera/base';
import { scaleOptionInvalid } from './errors.ts';

/** Options of a strategy, which are JSON; none are no options. @throws SCALE_OPTION_INVALID */
export function optionsJson(option: string, text = ''): unknown {
  return text === '' ? {} : parseJson(option, text);
}

/** @throws SCALE_OPTION_INVALID */
export function parseJson(option: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw scaleOptionInvalid(option, `it is no JSON: ${messageOf(error)}`);
  }
}
