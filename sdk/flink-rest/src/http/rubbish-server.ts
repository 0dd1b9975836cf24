import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';

export interface RubbishServer extends AsyncDisposable {
  readonly url: string;
  /** Method and path of each request, in order. */
  readonly requests: readonly string[];
}

/** A server on a free port that is not Flink, for tests: it answers as it is told. */
export async function serveRubbish(listener: RequestListener): Promise<RubbishServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
