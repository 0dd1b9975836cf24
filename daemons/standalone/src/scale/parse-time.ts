import { scaleOptionInvalid } from './errors.ts';

const form = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,3})?)?(Z|[-+]\d\d:\d\d)?$/;

/**
 * A time given on the command line, such as 2026-11-29T09:12:03Z, in milliseconds since 1970: the last one that is written
 * so. Without a zone it is UTC, as everything that is printed. @throws SCALE_OPTION_INVALID
 */
export function parseTime(text: string, option: string): number {
  const [, day, minutes, seconds = '', zone = 'Z'] = form.exec(text.trim()) ?? [];
  const fraction = seconds === '' ? ':59.999' : seconds.includes('.') ? seconds : `${seconds}.999`;
  const timeMs = Date.parse(`${day}T${minutes}${fraction}${zone}`);
  if (!Number.isNaN(timeMs)) return timeMs;
  throw scaleOptionInvalid(
    option,
    `${JSON.stringify(text)} is no time; give one such as 2026-11-29T09:12:03Z`,
  );
}
