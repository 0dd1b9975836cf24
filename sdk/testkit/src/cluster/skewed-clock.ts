/**
 * Loaded into a daemon before its own code: its wall clock is then wrong by so much. What measures spans is right, as
 * on a machine whose clock was set wrongly.
 */
const skewMs = Number(process.env['TESSERA_TEST_CLOCK_SKEW_MS'] ?? 0);
const rightDate = Date;

globalThis.Date = new Proxy(rightDate, {
  construct: (date, given, target) =>
    Reflect.construct(date, given.length === 0 ? [skewedNow()] : given, target) as object,
  get: (date, name) => (name === 'now' ? skewedNow : Reflect.get(date, name)),
});

function skewedNow(): number {
  return rightDate.now() + skewMs;
}
