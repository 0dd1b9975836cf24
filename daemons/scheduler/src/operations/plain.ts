/** Plain values as a protobuf Struct carries them: numbers there are doubles, so bigints travel as `{ "$int": "1" }`. */
export type Plain =
  | null
  | undefined
  | boolean
  | number
  | string
  | bigint
  | readonly Plain[]
  | { readonly [key: string]: Plain };

export function toPlain(value: Plain): { readonly value: unknown } {
  return { value: encode(value) };
}

export function fromPlain(struct: { readonly [key: string]: unknown } | undefined): Plain {
  return decode(struct?.['value']);
}

function encode(value: Plain): unknown {
  if (typeof value === 'bigint') return { $int: String(value) };
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value !== 'object' || value === null) return value ?? null;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, encode(item)]));
}

function decode(value: unknown): Plain {
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== 'object' || value === null) return value as Plain;
  if ('$int' in value) return BigInt(String(value.$int));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item)]));
}
