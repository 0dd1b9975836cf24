import { TesseraError, type TesseraErrorInit } from '@tessera/base';
import type { Write } from './apply-write.ts';
import type { Backend, WriteOutcome } from './backend.ts';

/** What the store asks its worker: one method of `Backend` each. */
export type Method = keyof Backend;
export type Arguments<M extends Method> = Parameters<Backend[M]>;
export type Answer<M extends Method> = Awaited<ReturnType<Backend[M]>>;

export interface Question<M extends Method = Method> {
  readonly id: number;
  readonly method: M;
  readonly arguments: Arguments<M>;
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure };

/** `ready`, or why the file could not be opened. */
export type Opened = { readonly opened: true } | { readonly failure: Failure };

export interface WorkerSettings {
  readonly file: string;
  /**
   * For tests of crashes: a module whose default export is called with the name of each stage of a commit
   * (`begun`, `applied`, `committed`), in the worker.
   */
  readonly probe?: string;
}

/** An error crosses threads as a plain value; a class would arrive as a bare Error. */
export type Failure =
  | { readonly kind: 'expected'; readonly init: TesseraErrorInit }
  | { readonly kind: 'broken'; readonly message: string; readonly stack?: string };

export type PlainOutcome =
  | Extract<WriteOutcome, { readonly ok: true }>
  | { readonly ok: false; readonly failure: Failure };

export type CommitQuestion = readonly Write[];

export function toFailure(error: unknown): Failure {
  if (error instanceof TesseraError) {
    const { code, reason, message, metadata, violations } = error;
    return { kind: 'expected', init: { code, reason, message, metadata, violations } };
  }
  if (!(error instanceof Error)) return { kind: 'broken', message: String(error) };
  const { message, stack } = error;
  return { kind: 'broken', message, ...(stack === undefined ? {} : { stack }) };
}

export function fromFailure(failure: Failure): Error {
  if (failure.kind === 'expected') return new TesseraError(failure.init);
  const error = new Error(failure.message);
  if (failure.stack !== undefined) error.stack = failure.stack;
  return error;
}
