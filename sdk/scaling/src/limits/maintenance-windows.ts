/**
 * Hours of the week in which a job is, or is not, rescaled. A window is open while the clocks of its zone show a time
 * within it. So an hour that clocks skip in spring has no window, and one that they show twice in autumn has it twice.
 */
export interface MaintenanceWindow {
  /** What it is called in messages. */
  readonly name: string;
  /** `freeze`: no rescale in it. `noScaleDown`: none to fewer slots. `only`: rescales are for such windows alone. */
  readonly rule: 'freeze' | 'noScaleDown' | 'only';
  /** Of the IANA database, such as `Europe/Berlin`; `UTC`. */
  readonly timeZone: string;
  /** Days on which it begins; absent: every day. */
  readonly days?: readonly WeekDay[];
  /** `HH:MM` on the zone's clocks. */
  readonly from: string;
  /** Not included. At or before `from`: of the next day. */
  readonly to: string;
}

export const weekDays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type WeekDay = (typeof weekDays)[number];

const minutesPerDay = 1440;

/** The window that forbids the change now, or nothing. */
export function forbiddingWindow(
  windows: readonly MaintenanceWindow[],
  nowMs: number,
  change: { readonly isDown: boolean },
): MaintenanceWindow | undefined {
  const open = (window: MaintenanceWindow) => isOpen(window, nowMs);
  const forbids = ({ rule }: MaintenanceWindow) =>
    rule === 'freeze' || (rule === 'noScaleDown' && change.isDown);
  const closed = windows.find((window) => forbids(window) && open(window));
  if (closed !== undefined) return closed;
  const only = windows.filter(({ rule }) => rule === 'only');
  return only.some(open) ? undefined : only[0];
}

/** Whether the zone's clocks show a time within the window. */
export function isOpen(window: MaintenanceWindow, nowMs: number): boolean {
  const shown = shownIn(window.timeZone, nowMs);
  const from = minuteOf(window.from);
  const to = minuteOf(window.to);
  const beginsOn = (day: number) => window.days?.includes(weekDays[(day + 7) % 7]!) ?? true;
  if (from < to) return shown.minute >= from && shown.minute < to && beginsOn(shown.day);
  if (shown.minute >= from) return beginsOn(shown.day);
  return shown.minute < to && beginsOn(shown.day - 1);
}

/** Why a window means nothing, or nothing: its zone, its days or its times. */
export function windowFault({ timeZone, from, to, days }: MaintenanceWindow): string | undefined {
  if (!isTimeZone(timeZone)) return `timeZone ${JSON.stringify(timeZone)} is not known`;
  for (const time of [from, to]) {
    if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(time))
      return `${JSON.stringify(time)} is no time such as 07:30`;
  }
  if (days?.length === 0) return 'days is empty';
  const stranger = days?.find((day) => !weekDays.includes(day));
  return stranger === undefined ? undefined : `${JSON.stringify(stranger)} is no day such as mon`;
}

function minuteOf(time: string): number {
  const [hour, minute] = time.split(':').map(Number);
  return hour! * 60 + minute!;
}

interface Shown {
  /** 0 is Sunday. */
  readonly day: number;
  readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();
const mostFormats = 64;

function shownIn(timeZone: string, nowMs: number): Shown {
  if (timeZone === 'UTC') {
    const minutes = Math.floor(nowMs / 60_000);
    return {
      day: modulo(Math.floor(minutes / minutesPerDay) + 4, 7),
      minute: modulo(minutes, minutesPerDay),
    };
  }
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(nowMs)
      .map(({ type, value }) => [type, value]),
  );
  const day = weekDays.indexOf(parts.get('weekday')!.toLowerCase() as WeekDay);
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/** Making one takes longer than a hundred uses of it. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  if (formats.size >= mostFormats) formats.clear();
  formats.set(timeZone, format);
  return format;
}

function isTimeZone(timeZone: string): boolean {
  if (timeZone === 'UTC') return true;
  try {
    formatOf(timeZone);
    return true;
  } catch {
    return false; // Intl throws for a zone that it does not know.
  }
}
