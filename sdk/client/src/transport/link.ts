import { connectivityState } from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions } from 'nice-grpc';
import { type Channel, type Client, type CompatServiceDefinition, createChannel } from 'nice-grpc';

/** Makes one service's client over a channel. */
export type Create = <Definition extends CompatServiceDefinition>(
  definition: Definition,
  channel: Channel,
) => Client<Definition>;

export interface LinkOptions {
  readonly credentials: ChannelCredentials;
  readonly channelOptions: ChannelOptions;
  readonly create: Create;
}

/** One connection to one daemon, and the clients over it. It is made when first needed and again when it is lost. */
export class Link implements Disposable {
  readonly address: string;
  readonly #channel: Channel;
  readonly #create: Create;
  readonly #clients = new Map<CompatServiceDefinition, unknown>();

  constructor(address: string, { credentials, channelOptions, create }: LinkOptions) {
    this.address = address;
    this.#channel = createChannel(address, credentials, channelOptions);
    this.#create = create;
  }

  client<Definition extends CompatServiceDefinition>(definition: Definition): Client<Definition> {
    const known = this.#clients.get(definition);
    if (known !== undefined) return known as Client<Definition>;
    const made = this.#create(definition, this.#channel);
    this.#clients.set(definition, made);
    return made;
  }

  /**
   * Whether a call can be told at once how the connection is: it stands, or a call will fail and say why. False when
   * it is neither after so long: whoever is there accepts connections and says nothing.
   */
  async isSettled(timeoutMs: number): Promise<boolean> {
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      const state = this.#channel.getConnectivityState(true);
      if (state !== connectivityState.IDLE && state !== connectivityState.CONNECTING) return true;
      if (!(await this.#changes(state, deadlineMs))) return false;
    }
  }

  [Symbol.dispose](): void {
    this.#channel.close();
  }

  #changes(state: connectivityState, deadlineMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#channel.watchConnectivityState(state, deadlineMs, (late) =>
        resolve(late === undefined),
      );
    });
  }
}
