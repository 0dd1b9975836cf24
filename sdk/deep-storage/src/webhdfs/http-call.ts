import { once } from 'node:events';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorOfAnswer } from './web-hdfs-error.ts';

export interface HttpCall {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly signal: AbortSignal;
  /** A connection on which nothing moves for so long is given up. */
  readonly idleTimeoutMs: number;
  readonly body?: AsyncIterable<Uint8Array>;
}

/** Longest answer that is read as text: the entries of a large folder. */
const maxTextBytes = 64 << 20;

/**
 * Makes a call and resolves with the head of its answer; the body is the caller's to read or to destroy. The client of `node:http` takes the
 * unasked `100 Continue` that data nodes send.
 */
export async function send(call: HttpCall): Promise<IncomingMessage> {
  const { method, url, signal, idleTimeoutMs, body } = call;
  const request = (url.protocol === 'https:' ? requestTls : requestPlain)(url, {
    method,
    signal,
    agent: false,
  });
  request.setTimeout(idleTimeoutMs, () =>
    request.destroy(new Error(`${url.host} is silent for ${idleTimeoutMs} ms`)),
  );
  request.on('error', () => {}); // Told by the promises below; after the answer's head, by its body.
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  if (body === undefined) request.end();
  else {
    request.setHeader('Content-Type', 'application/octet-stream');
    // An answer may come before all is sent, when the server refuses; that sending then breaks off is no failure of its own.
    pipeline(Readable.from(body, { objectMode: false }), request).catch(() => {});
  }
  const [answer] = await answered;
  return answer;
}

/** The answer's body as text. @throws WebHdfsError when the status is none of those. */
export async function textOf(
  answer: IncomingMessage,
  ...statuses: readonly number[]
): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxTextBytes) throw new Error(`the answer is longer than ${maxTextBytes} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (!statuses.includes(answer.statusCode!)) throw errorOfAnswer(answer.statusCode!, text);
  return text;
}
