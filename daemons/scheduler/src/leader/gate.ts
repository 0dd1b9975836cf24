import type { coordination } from '@tessera/proto';
import { operationGivenUp } from '../errors.ts';
import type { Authority } from './authority.ts';

/**
 * The authority of one operation within a term: closed, nothing of it is written any more, whatever its work still does. What
 * was sent before and arrives after the operation's end is refused there, by its name in the fence.
 */
export class Gate implements Authority {
  readonly #operation: string;
  readonly #term: Authority;
  readonly #closed = new AbortController();
  readonly over: AbortSignal;

  constructor(operation: string, term: Authority) {
    this.#operation = operation;
    this.#term = term;
    this.over = AbortSignal.any([this.#closed.signal, term.over]);
  }

  /** @throws OPERATION_GIVEN_UP, NOT_LEADER. */
  fence(): coordination.Fence {
    this.#closed.signal.throwIfAborted();
    return { ...this.#term.fence(), operation: this.#operation };
  }

  lose(): void {
    this.#term.lose();
  }

  close(): void {
    this.#closed.abort(operationGivenUp(this.#operation));
  }
}
