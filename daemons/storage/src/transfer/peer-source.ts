import type { Connection } from '@tessera/client';
import type { FilePart, FileSource, WantedFile } from './file-source.ts';

/** Connections that are kept at most. */
const maxConnections = 256;

/** Other storage daemons by their addresses, each connected when it is first read from. */
export class Peers implements Disposable {
  readonly #connectTo: (address: string) => Connection;
  readonly #connections = new Map<string, Connection>();

  constructor(connectTo: (address: string) => Connection) {
    this.#connectTo = connectTo;
  }

  source(address: string): FileSource {
    const connection = () => this.#connection(address);
    return {
      name: address,
      async *read({ file }: WantedFile, offset: number, signal: AbortSignal) {
        const request = { file, offset: BigInt(offset) };
        const parts = connection().transfers.readFile(request, { signal });
        for await (const { data, sizeBytes } of parts) {
          yield { data, sizeBytes: Number(sizeBytes) } satisfies FilePart;
        }
      },
    };
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  #connection(address: string): Connection {
    const known = this.#connections.get(address);
    if (known !== undefined) return known;
    const made = this.#connectTo(address);
    const [oldest] = this.#connections;
    if (oldest !== undefined && this.#connections.size >= maxConnections) {
      this.#connections.delete(oldest[0]);
      oldest[1].close(); // Who still reads from it goes on elsewhere, or connects again.
    }
    this.#connections.set(address, made);
    return made;
  }
}
