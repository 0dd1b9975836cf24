import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Stands between a client and a server on this machine, so that a test decides what gets through: answers
 * may be lost after the request has arrived, which no kill of a process can do on purpose.
 */
export class LossyLink implements AsyncDisposable {
  target: string;
  /** While true, what the server answers is thrown away. */
  losesAnswers = false;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  static async to(target: string): Promise<LossyLink> {
    const link = new LossyLink(target);
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  private constructor(target: string) {
    this.target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts every connection; new ones are made to the target of then. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cut();
  }

  #join(client: Socket): void {
    const { hostname, port } = new URL(this.target);
    const server = connect(Number(port), hostname);
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    client.on('data', (chunk) => server.write(chunk));
    server.on('data', (chunk) => {
      if (!this.losesAnswers) client.write(chunk);
    });
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#pairs.delete(pair);
        client.destroy();
        server.destroy();
      });
    }
  }
}
