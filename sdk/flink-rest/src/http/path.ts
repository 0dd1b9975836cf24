/** A path with every value in it encoded, so that no value can become another path. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((joined, part, at) => joined + encodeURIComponent(values[at - 1]!) + part);
}
