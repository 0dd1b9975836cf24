/** The last part of a resource name. */
export function idOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
