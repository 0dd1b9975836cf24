import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong. Each is on until it is switched off, unless it says how often. */
export interface WebHdfsFaults {
  /** Data node connections that break off after so many bytes of an upload. */
  cutUploadAt?: number;
  /** The same of a download, and for how many downloads. */
  cutDownload?: { at: number; times: number };
  /** Uploads lose their end, and the data node says that all is well. */
  losesEndOfUpload?: boolean;
  /** The exception that the data node answers an upload with. */
  refusesUpload?: { exception: string; message: string };
  /** The exception that the name node answers everything with. */
  refusesAll?: { exception: string; message: string };
  /** The name node does what it is asked for and breaks off the answer. */
  losesAnswerTo?: string;
}

interface Entry {
  content: Buffer;
  writtenMs: number;
}

/**
 * An EMULATION of HDFS over HTTP, in memory, for faults that a real one cannot be made to have: a name node that sends uploads and
 * downloads on to a data node, both on one port. It knows the few operations that deep storage uses.
 */
export class WebHdfsEmulation implements AsyncDisposable {
  readonly files = new Map<string, Entry>();
  readonly folders = new Set<string>();
  readonly faults: WebHdfsFaults = {};
  /** Operations in the order of their calls. */
  readonly calls: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, answer) => {
      this.#serve(request, answer).catch(() => answer.destroy());
    });
  }

  static async start(): Promise<WebHdfsEmulation> {
    const emulation = new WebHdfsEmulation();
    await new Promise<void>((resolve) => emulation.#server.listen(0, '127.0.0.1', resolve));
    return emulation;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = new URL(request.url!, this.url);
    const path = decodeURI(url.pathname.replace(/^\/(webhdfs\/v1|data)/, ''));
    const operation = url.searchParams.get('op')!;
    if (url.searchParams.get('user.name') !== 'tessera') {
      return refuse(answer, 401, 'SecurityException', 'who are you?');
    }
    if (url.pathname.startsWith('/data/')) {
      if (operation === 'CREATE') return this.#take(path, request, answer);
      return this.#give(path, Number(url.searchParams.get('offset')), answer);
    }
    this.calls.push(operation);
    const { refusesAll, losesAnswerTo } = this.faults;
    if (refusesAll) return refuse(answer, 403, refusesAll.exception, refusesAll.message);
    if (operation === 'CREATE' || (operation === 'OPEN' && this.files.has(path))) {
      const location = `${this.url}/data${encodeURI(path)}${url.search}`;
      answer.writeHead(307, { Location: location }).end();
      return;
    }
    const outcome = this.#do(operation, path, url.searchParams);
    if (losesAnswerTo === operation) {
      answer.destroy();
    } else if (outcome === undefined) {
      refuse(answer, 404, 'FileNotFoundException', `File does not exist: ${path}`);
    } else {
      answer.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(outcome));
    }
  }

  #do(operation: string, path: string, parameters: URLSearchParams): unknown {
    switch (operation) {
      case 'MKDIRS':
        this.folders.add(path);
        return { boolean: true };
      case 'GETFILESTATUS': {
        const entry = this.files.get(path);
        return entry && { FileStatus: statusOf('', entry) };
      }
      case 'LISTSTATUS':
        return this.#list(path);
      case 'RENAME': {
        const entry = this.files.get(path);
        const to = parameters.get('destination')!;
        if (entry === undefined || this.files.has(to)) return { boolean: false };
        this.files.delete(path);
        this.files.set(to, entry);
        return { boolean: true };
      }
      case 'DELETE':
        return { boolean: this.files.delete(path) };
      default:
        return undefined;
    }
  }

  #list(path: string): unknown {
    const names = new Map<string, unknown>();
    for (const [file, entry] of this.files) {
      if (!file.startsWith(`${path}/`)) continue;
      const [name, ...deeper] = file.slice(path.length + 1).split('/') as [string, ...string[]];
      names.set(name, statusOf(name, deeper.length === 0 ? entry : undefined));
    }
    if (names.size === 0 && !this.folders.has(path)) return undefined;
    return { FileStatuses: { FileStatus: [...names.values()] } };
  }

  async #take(path: string, request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { cutUploadAt, losesEndOfUpload, refusesUpload } = this.faults;
    answer.writeContinue(); // As real data nodes do, though nobody asked.
    if (refusesUpload) return refuse(answer, 403, refusesUpload.exception, refusesUpload.message);
    const entry: Entry = { content: Buffer.alloc(0), writtenMs: Date.now() };
    this.files.set(path, entry);
    for await (const chunk of request as AsyncIterable<Buffer>) {
      entry.content = Buffer.concat([entry.content, chunk]);
      if (entry.content.length >= (cutUploadAt ?? Number.POSITIVE_INFINITY)) {
        request.socket.destroy();
        return;
      }
    }
    if (losesEndOfUpload) entry.content = entry.content.subarray(0, -10);
    if (this.files.get(path) === entry) answer.writeHead(201).end();
    else refuse(answer, 404, 'FileNotFoundException', `File does not exist: ${path}`);
  }

  #give(path: string, offset: number, answer: ServerResponse): void {
    const content = this.files.get(path)?.content.subarray(offset);
    if (content === undefined) {
      refuse(answer, 404, 'FileNotFoundException', path);
      return;
    }
    const { cutDownload } = this.faults;
    answer.writeHead(200, { 'Content-Length': content.length });
    if (cutDownload === undefined || cutDownload.times === 0) {
      answer.end(content);
      return;
    }
    cutDownload.times--;
    answer.write(content.subarray(0, cutDownload.at), () => answer.destroy());
  }
}

function statusOf(pathSuffix: string, entry: Entry | undefined) {
  return {
    pathSuffix,
    type: entry === undefined ? 'DIRECTORY' : 'FILE',
    length: entry?.content.length ?? 0,
    modificationTime: entry?.writtenMs ?? 0,
  };
}

function refuse(answer: ServerResponse, status: number, exception: string, message: string): void {
  const body = JSON.stringify({ RemoteException: { exception, message } });
  answer.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
}
