import { z } from 'zod';
import {
  infoAnswer,
  type OperationStatus,
  operationAnswer,
  pageAnswer,
  type SqlOperation,
  type SqlPage,
  sessionAnswer,
  statusAnswer,
} from './answers/sql.ts';
import { path } from './http/path.ts';
import { RestCaller, type RestTarget } from './http/rest-caller.ts';

/**
 * The REST interface (version 3) of a SQL gateway. Thin: each method is one call. Throws as `FlinkRestClient` does; a statement that does not plan is told by its status, and why by FLINK_REFUSED of its result.
 */
export class SqlGatewayClient {
  readonly #caller: RestCaller;

  constructor(target: RestTarget) {
    this.#caller = new RestCaller(target);
  }

  /** Of Flink. */
  version(signal?: AbortSignal): Promise<string> {
    return this.#caller.call({ method: 'GET', path: '/v3/info', answer: infoAnswer }, signal);
  }

  /** Opens a session whose statements have this configuration; gives its handle. The gateway ends one that is idle, after 10 minutes unless configured. */
  openSession(
    configuration: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<string> {
    const body = { properties: configuration };
    return this.#caller.call(
      { method: 'POST', path: '/v3/sessions', act: 'open a session', body, answer: sessionAnswer },
      signal,
    );
  }

  /** Ends a session and what it runs; jobs that were submitted go on. */
  async closeSession(session: string, signal?: AbortSignal): Promise<void> {
    const where = path`/v3/sessions/${session}`;
    const call = { method: 'DELETE', path: where, act: 'close a session' } as const;
    await this.#caller.call({ ...call, answer: z.unknown() }, signal);
  }

  /** Begins one statement, without its semicolon. */
  async submit(session: string, statement: string, signal?: AbortSignal): Promise<SqlOperation> {
    const call = {
      method: 'POST',
      path: path`/v3/sessions/${session}/statements`,
      act: 'run a statement',
      body: { statement },
      answer: operationAnswer,
    } as const;
    return { session, operation: await this.#caller.call(call, signal) };
  }

  status({ session, operation }: SqlOperation, signal?: AbortSignal): Promise<OperationStatus> {
    const where = path`/v3/sessions/${session}/operations/${operation}/status`;
    return this.#caller.call({ method: 'GET', path: where, answer: statusAnswer }, signal);
  }

  /** A page of rows, counted from 0; of later ones the page before tells the token. Asked for again it is the same, as long as the one after has not been asked for. */
  result({ session, operation }: SqlOperation, token = 0, signal?: AbortSignal): Promise<SqlPage> {
    const where = path`/v3/sessions/${session}/operations/${operation}/result/${String(token)}?rowFormat=JSON`;
    return this.#caller.call({ method: 'GET', path: where, answer: pageAnswer }, signal);
  }

  async cancel({ session, operation }: SqlOperation, signal?: AbortSignal): Promise<void> {
    const where = path`/v3/sessions/${session}/operations/${operation}/cancel`;
    const call = { method: 'POST', path: where, act: 'cancel a statement' } as const;
    await this.#caller.call({ ...call, answer: z.unknown() }, signal);
  }

  /** Forgets a statement and its rows. */
  async close({ session, operation }: SqlOperation, signal?: AbortSignal): Promise<void> {
    const where = path`/v3/sessions/${session}/operations/${operation}/close`;
    const call = { method: 'DELETE', path: where, act: 'forget a statement' } as const;
    await this.#caller.call({ ...call, answer: z.unknown() }, signal);
  }
}
