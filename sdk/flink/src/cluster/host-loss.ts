/** How fast clocks of two machines run apart at most: a hundred times what quartz does. */
const clockDrift = 0.01;
/**
 * A heartbeat whose session was written before the lease was seen to be free may still be confirmed (4 s); the host
 * looks at its clock every quarter of a second, and what watches over a process comes 1 to 2 s later; killing takes a moment.
 */
const slackMs = 10_000;

/**
 * How long the lease of a host has to be seen free, in one session, before it is certain that nothing runs there any more
 * that was to end with the contact: such a process ends `cutOffAfterMs` after the last confirmed heartbeat was sent, and
 * that was before its lease was seen free. Only spans are compared, never clocks.
 */
export function lostAfterMs(cutOffAfterMs: number): number {
  return cutOffAfterMs * (1 + clockDrift) + slackMs;
}
