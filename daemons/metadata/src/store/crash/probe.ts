/**
 * Loaded into the store's worker by the crash tests: ends the process, as `kill -9` does, the nth time that a
 * commit reaches a stage. TESSERA_TEST_CRASH is such as `applied:3`.
 */
const [stage, count] = (process.env['TESSERA_TEST_CRASH'] ?? ':0').split(':');
let left = Number(count);

export default function crash(reached: string): void {
  if (reached !== stage) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
}
