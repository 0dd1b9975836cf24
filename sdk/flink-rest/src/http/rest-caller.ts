import { z } from 'zod';
import {
  type CallName,
  flinkAnswerInvalid,
  flinkJobExists,
  flinkNotFound,
  flinkRefused,
  flinkUnreachable,
} from '../errors.ts';
import { boundedText } from './bounded-text.ts';
import { failureOf } from './failure.ts';

export interface RestTarget {
  /** Of the REST interface, such as `http://10.0.0.1:8081`. */
  readonly url: string;
  /** For one call from its beginning to the last byte of its answer, milliseconds; 10 s unless told. */
  readonly deadlineMs?: number;
  /** Longer answers are not read; 16 MiB unless told. */
  readonly maxAnswerBytes?: number;
}

export interface RestCall<Answer> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query, encoded. */
  readonly path: string;
  /** What Flink is to do, for errors; see `CallName`. */
  readonly act?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly form?: FormData;
  readonly answer: z.ZodType<Answer>;
  /** Instead of the target's. */
  readonly deadlineMs?: number;
}

const defaultDeadlineMs = 10_000;
const defaultMaxAnswerBytes = 16 << 20;
/** How often a call that only reads is made when the connection breaks: one that was kept open may have been closed meanwhile. */
const maxReads = 2;

/** Anything that stands before Flink, or Flink itself while it elects a leader, says so when it cannot be reached. */
const unreachableStatuses = [502, 503, 504];

const errorAnswer = z.object({ errors: z.array(z.string()) });

/** Calls to one REST interface of Flink. Each has a deadline and a bound for its answer, and gives what was asked for or a `TesseraError`. */
export class RestCaller {
  readonly #url: string;
  readonly #deadlineMs: number;
  readonly #maxAnswerBytes: number;

  constructor({ url, deadlineMs, maxAnswerBytes }: RestTarget) {
    this.#url = url.replace(/\/+$/, '');
    this.#deadlineMs = deadlineMs ?? defaultDeadlineMs;
    this.#maxAnswerBytes = maxAnswerBytes ?? defaultMaxAnswerBytes;
  }

  /**
   * Only a GET is made again when its connection breaks, within the same deadline.
   * @throws TesseraError FLINK_UNREACHABLE, FLINK_ANSWER_INVALID, FLINK_REFUSED, FLINK_NOT_FOUND, FLINK_JOB_EXISTS; what the signal was aborted with
   */
  async call<Answer>(call: RestCall<Answer>, signal?: AbortSignal): Promise<Answer> {
    const { method, path, act } = call;
    const name: CallName = { method, url: `${this.#url}${path}`, act };
    const { status, text } = await this.#exchange(name, call, signal);
    if (text === undefined) {
      throw flinkAnswerInvalid(name, `it is longer than ${this.#maxAnswerBytes} bytes`);
    }
    if (unreachableStatuses.includes(status)) {
      throw flinkUnreachable(name, new Error(`status ${status}`));
    }
    const json = parsedJson(name, status, text);
    if (status >= 400) throw refusal(name, status, json);
    if (status >= 300) throw flinkAnswerInvalid(name, `status ${status}`);
    const answer = call.answer.safeParse(json);
    if (!answer.success) throw flinkAnswerInvalid(name, firstIssue(answer.error));
    return answer.data;
  }

  async #exchange(name: CallName, call: RestCall<unknown>, signal: AbortSignal | undefined) {
    const deadlineMs = call.deadlineMs ?? this.#deadlineMs;
    const deadline = AbortSignal.timeout(deadlineMs);
    const either = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
    for (let reads = 1; ; reads += 1) {
      try {
        return await this.#once(name, call, either);
      } catch (error) {
        signal?.throwIfAborted();
        if (deadline.aborted) {
          throw flinkUnreachable(name, new Error(`no answer within ${deadlineMs} ms`));
        }
        if (call.method !== 'GET' || reads === maxReads) throw flinkUnreachable(name, error);
      }
    }
  }

  async #once({ method, url }: CallName, { body, form }: RestCall<unknown>, signal: AbortSignal) {
    const answer = await fetch(url, {
      method,
      signal,
      redirect: 'manual',
      ...(form !== undefined && { body: form }),
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    return { status: answer.status, text: await boundedText(answer.body, this.#maxAnswerBytes) };
  }
}

/** The text as JSON. An empty one says as much as `{}`. */
function parsedJson(name: CallName, status: number, text: string): unknown {
  try {
    return JSON.parse(text || '{}');
  } catch {
    throw flinkAnswerInvalid(name, `it is no JSON (status ${status})`);
  }
}

/** A job that was submitted before is one of an application that was, as newer versions say. */
const duplicate = /Duplicate(Job|Application)SubmissionException/;
/** Flink says 500 of some things that it does not know. */
const unknown =
  /FlinkJobNotFoundException|UnknownTaskExecutorException|RestHandlerException: Jar file \S+ does not exist/;

/** A SQL gateway could not hand the job that it has planned to the JobManager. */
const notHandedOver = /JobSubmissionException[\s\S]*FutureUtils\$RetryException/;

function refusal(name: CallName, status: number, json: unknown) {
  const answer = errorAnswer.safeParse(json);
  if (!answer.success) return flinkAnswerInvalid(name, `status ${status} without a reason`);
  const { errors } = answer.data;
  const failure = failureOf(errors);
  const text = errors.join('\n');
  if (duplicate.test(text)) return flinkJobExists(name, failure);
  if (status === 404 || unknown.test(text)) return flinkNotFound(name, failure);
  if (notHandedOver.test(text)) return flinkUnreachable(name, new Error(failure));
  return flinkRefused(name, { status, failure });
}

function firstIssue({ issues }: z.ZodError): string {
  const [issue] = issues;
  const where = issue?.path.join('.');
  return where ? `${where}: ${issue?.message}` : (issue?.message ?? 'it has another shape');
}
