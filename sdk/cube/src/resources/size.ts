/** Numbers of bytes as people write them: `1600 MiB`, `4 GiB`, `20 GB`. */

const units: Readonly<Record<string, bigint>> = {
  B: 1n,
  kB: 1_000n,
  KB: 1_000n,
  MB: 1_000n ** 2n,
  GB: 1_000n ** 3n,
  TB: 1_000n ** 4n,
  KiB: 1_024n,
  MiB: 1_024n ** 2n,
  GiB: 1_024n ** 3n,
  TiB: 1_024n ** 4n,
};
/** Those that are printed, the largest first. */
const printed = ['TiB', 'GiB', 'MiB', 'KiB'] as const;

/** Bytes of a text such as `1.5 GiB`; `undefined` when it is no size, no whole number of bytes, or too large to count with. */
export function parseSize(text: string): bigint | undefined {
  const match = /^(\d{1,16})(?:\.(\d{1,9}))? ?([kKMGT]?B|[KMGT]iB)$/.exec(text);
  if (match === null) return undefined;
  const [, whole = '', decimals = '', unit = ''] = match;
  const scale = 10n ** BigInt(decimals.length);
  const scaled = BigInt(whole + decimals) * units[unit]!;
  const bytes = scaled / scale;
  return bytes * scale === scaled && bytes <= Number.MAX_SAFE_INTEGER ? bytes : undefined;
}

/** In the largest unit of which it is a whole number: the one way in which each size is printed. */
export function printSize(bytes: bigint): string {
  const unit = printed.find((one) => bytes > 0n && bytes % units[one]! === 0n) ?? 'B';
  return `${bytes / units[unit]!} ${unit}`;
}
