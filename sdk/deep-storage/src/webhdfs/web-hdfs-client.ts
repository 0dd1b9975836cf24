import type { IncomingMessage } from 'node:http';
import { type HttpCall, send, textOf } from './http-call.ts';
import { isElsewhere } from './web-hdfs-error.ts';

export interface WebHdfsOptions {
  /** Such as `http://namenode-1:9870`; several when they stand by for each other. */
  readonly nameNodes: readonly string[];
  /** Absolute path of a folder in HDFS. */
  readonly directory: string;
  /** Whom the files belong to. HDFS believes the name: without Kerberos it does not ask for proof. */
  readonly user: string;
  /** A connection on which nothing moves for so long is given up. */
  readonly idleTimeoutMs?: number;
}

export interface HdfsFile {
  readonly name: string;
  readonly isFile: boolean;
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly writtenMs: number;
}

type Parameters = Readonly<Record<string, string>>;

/**
 * The calls of WebHDFS that deep storage needs. Name nodes are asked in turn, beginning with the one that answered last;
 * bytes go to and come from the data node that it names. Failures are `WebHdfsError`s or those of connections.
 */
export class WebHdfsClient {
  readonly #options: WebHdfsOptions;
  readonly #idleTimeoutMs: number;
  /** Which of the name nodes answered last. */
  #active = 0;

  constructor(options: WebHdfsOptions) {
    this.#options = options;
    this.#idleTimeoutMs = options.idleTimeoutMs ?? 60_000;
  }

  async makeFolder(path: string, signal: AbortSignal): Promise<void> {
    await this.#json('PUT', path, { op: 'MKDIRS' }, signal);
  }

  async status(path: string, signal: AbortSignal): Promise<HdfsFile> {
    const { FileStatus } = await this.#json('GET', path, { op: 'GETFILESTATUS' }, signal);
    return fileOf(FileStatus);
  }

  /** What is in a folder, in the order of the names. */
  async entries(path: string, signal: AbortSignal): Promise<HdfsFile[]> {
    const { FileStatuses } = await this.#json('GET', path, { op: 'LISTSTATUS' }, signal);
    const files = FileStatuses.FileStatus.map(fileOf) as HdfsFile[];
    return files.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** False when the target exists. */
  async rename(from: string, to: string, signal: AbortSignal): Promise<boolean> {
    const destination = this.#absolute(to);
    const { boolean } = await this.#json('PUT', from, { op: 'RENAME', destination }, signal);
    return boolean;
  }

  /** False when there was nothing. */
  async delete(path: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#json('DELETE', path, { op: 'DELETE' }, signal)).boolean;
  }

  /** Writes a new file. What reading the content throws is thrown as it is. */
  async create(
    path: string,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const parameters = { op: 'CREATE', overwrite: 'false' };
    const url = await this.#anyNameNode('PUT', path, parameters, signal, dataNodeOf);
    const answer = await send({ ...this.#call(signal), method: 'PUT', url, body: content });
    await textOf(answer, 200, 201);
  }

  /** The content from a position on. */
  async *read(path: string, position: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const parameters = { op: 'OPEN', offset: String(position) };
    const url = await this.#anyNameNode('GET', path, parameters, signal, dataNodeOf);
    const answer = await send({ ...this.#call(signal), method: 'GET', url });
    if (answer.statusCode !== 200) await textOf(answer);
    yield* answer as AsyncIterable<Buffer>;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the answer's shape is the operation's.
  #json(method: Method, path: string, parameters: Parameters, signal: AbortSignal): Promise<any> {
    return this.#anyNameNode(method, path, parameters, signal, async (answer) =>
      JSON.parse(await textOf(answer, 200)),
    );
  }

  /** Asks the name nodes until one of them serves the call. */
  async #anyNameNode<T>(
    method: Method,
    path: string,
    parameters: Parameters,
    signal: AbortSignal,
    read: (answer: IncomingMessage) => Promise<T>,
  ): Promise<T> {
    const { nameNodes } = this.#options;
    let failure: unknown;
    for (let i = 0; i < nameNodes.length; i++) {
      const number = (this.#active + i) % nameNodes.length;
      try {
        const url = this.#urlOf(nameNodes[number]!, path, parameters);
        const result = await read(await send({ ...this.#call(signal), method, url }));
        this.#active = number;
        return result;
      } catch (error) {
        signal.throwIfAborted();
        if (!isElsewhere(error)) {
          this.#active = number;
          throw error;
        }
        failure = error;
      }
    }
    throw failure;
  }

  #call(signal: AbortSignal): Pick<HttpCall, 'signal' | 'idleTimeoutMs'> {
    return { signal, idleTimeoutMs: this.#idleTimeoutMs };
  }

  #urlOf(nameNode: string, path: string, parameters: Parameters): URL {
    const url = new URL(`/webhdfs/v1${encodeURI(this.#absolute(path))}`, nameNode);
    url.search = new URLSearchParams({
      ...parameters,
      'user.name': this.#options.user,
    }).toString();
    return url;
  }

  #absolute(path: string): string {
    return `${this.#options.directory.replace(/\/+$/, '')}/${path}`.replace(/\/$/, '');
  }
}

type Method = HttpCall['method'];

/** Where the name node sends the caller on to. */
async function dataNodeOf(answer: IncomingMessage): Promise<URL> {
  await textOf(answer, 307);
  return new URL(answer.headers.location!);
}

function fileOf(status: {
  readonly pathSuffix: string;
  readonly type: string;
  readonly length: number;
  readonly modificationTime: number;
}): HdfsFile {
  return {
    name: status.pathSuffix,
    isFile: status.type === 'FILE',
    sizeBytes: status.length,
    writtenMs: status.modificationTime,
  };
}
