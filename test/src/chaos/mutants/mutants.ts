import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A mistake in the product: text of one of its files stands for another one while daemons run. */
export interface Mutant {
  readonly name: string;
  /** What is promised and then not kept. */
  readonly breaks: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Is there once. */
  readonly text: string;
  readonly instead: string;
}

/** What a run of chaos has to find: `npm run test:chaos -- --mutant NAME` ends with 1. */
export const mutants: readonly Mutant[] = [
  {
    name: 'partial-answer',
    breaks: 'What a storage daemon fails to read is read from another one, or there is no answer.',
    file: 'daemons/query/src/broadcast/broadcast-scan.ts',
    text: "return this.#read(indexes, others, 'retry', signal);",
    instead: 'return [{ whole: false, batches: [] }];',
  },
  {
    name: 'unfiltered-retry',
    breaks: 'Another replica is asked under the same policies.',
    file: 'daemons/query/src/broadcast/broadcast-scan.ts',
    text: "return this.#read(indexes, others, 'retry', signal);",
    instead: `this.#plan = { ...this.#plan, filter: undefined };
      this.#partial = undefined;
      return this.#read(indexes, others, 'retry', signal);`,
  },
  {
    name: 'lost-write',
    breaks: 'A write is acknowledged when etcd has it. (Here: of new projects, a second before.)',
    file: 'daemons/metadata/src/store/etcd/etcd-store.ts',
    text: 'return writes(request) ? this.#writes.run(request) : this.#readTransaction(request);',
    instead: `if (!writes(request)) return this.#readTransaction(request);
    const isLate = request.success.some(({ op, key }) => op === 'put' && key.includes('written-'));
    if (!isLate) return this.#writes.run(request);
    setTimeout(() => void this.#writes.run(request).catch(() => {}), 1_000);
    const results = request.success.map(({ op }) => ({ op }));
    return { succeeded: true, revision: 1n, results };`,
  },
];

/** @throws when there is none of that name */
export function mutantNamed(name: string): Mutant {
  const found = mutants.find((mutant) => mutant.name === name);
  if (found !== undefined) return found;
  const names = mutants.map((mutant) => mutant.name).join(', ');
  throw new Error(`There is no mutant ${name}, but there are ${names}.`);
}

/** What a daemon's process is given so that it makes the mistake. */
export function mutation({ name }: Mutant): Readonly<Record<string, string>> {
  const preload = pathToFileURL(join(import.meta.dirname, 'load-mutant.ts'));
  return { NODE_OPTIONS: `--import=${preload}`, TESSERA_TEST_MUTANT: name };
}

/** @param read the file's own text @throws when the text to be replaced is not there, or more than once */
export function mutate({ file, text, instead }: Mutant, read: string): string {
  const [before, after, ...more] = read.split(text);
  if (after === undefined || more.length > 0) {
    throw new Error(`${file} has ${1 + more.length} times, and not once: ${text}`);
  }
  return `${before}${instead}${after}`;
}
