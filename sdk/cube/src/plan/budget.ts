import { budgetInvalid } from '../errors.ts';

const units: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/**
 * Bytes that a budget allows: `0.2x` of the source's bytes, or bytes such as `512MB` (decimal) and `512MiB` (binary).
 * @throws INVALID_ARGUMENT BUDGET_INVALID
 */
export function parseBudget(budget: string, sourceBytes: number): number {
  const match = /^([0-9]*\.?[0-9]+)\s?(x|[KMGT]?B|[KMGT]iB)$/.exec(budget.trim());
  if (match === null) throw budgetInvalid(budget);
  const [, amount, unit] = match as unknown as [string, string, string];
  const scale = unit === 'x' ? sourceBytes : units[unit]!;
  return Math.floor(Number(amount) * scale);
}
