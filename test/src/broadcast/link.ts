import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A link to a server on loopback that a test may cut or break. */
export class Link implements AsyncDisposable {
  readonly address: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets: Set<Socket>;
  readonly #state: { isCut: boolean; breakAfterBytes: number };

  private constructor(
    server: ReturnType<typeof createServer>,
    sockets: Set<Socket>,
    state: { isCut: boolean; breakAfterBytes: number },
  ) {
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#server = server;
    this.#sockets = sockets;
    this.#state = state;
  }

  static async to(address: string): Promise<Link> {
    const [host, port] = address.split(':') as [string, string];
    const sockets = new Set<Socket>();
    const state = { isCut: false, breakAfterBytes: Number.POSITIVE_INFINITY };
    const server = createServer((near) => {
      const far = connect(Number(port), host);
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket
          .on('error', () => {})
          .on('close', () => {
            sockets.delete(socket);
            near.destroy();
            far.destroy();
          });
      }
      near.on('data', (data) => state.isCut || far.write(data));
      far.on('data', (data) => {
        if (state.isCut) return;
        state.breakAfterBytes -= data.length;
        if (state.breakAfterBytes > 0) near.write(data);
        else near.resetAndDestroy();
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new Link(server, sockets, state);
  }

  /** From now on nothing goes through, either way, and nobody is told. */
  cut(): void {
    this.#state.isCut = true;
  }

  mend(): void {
    this.#state.isCut = false;
    this.#state.breakAfterBytes = Number.POSITIVE_INFINITY;
    for (const socket of this.#sockets) socket.destroy(); // What was lost does not come any more.
  }

  /** Resets the connection in the midst of what the server sends, after so many bytes more. */
  breakAfter(bytes: number): void {
    this.#state.breakAfterBytes = bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
