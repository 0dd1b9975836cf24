/** The expression or statement is for another executor. Whoever asks for a compilation catches it. */
export class NotCompiled extends Error {}

export function notCompiled(what: string): never {
  throw new NotCompiled(what);
}
