import type { CopyLimits } from './replicas.ts';

/** Bytes on their way between hosts, and whether more may be. */
export class Traffic {
  readonly #limits: CopyLimits;
  readonly #inbound = new Map<string, number>();
  readonly #outbound = new Map<string, number>();
  #deep = 0;

  constructor(limits: CopyLimits) {
    this.#limits = limits;
  }

  add(from: string | undefined, to: string, bytes: number): void {
    this.#inbound.set(to, (this.#inbound.get(to) ?? 0) + bytes);
    if (from === undefined) this.#deep += bytes;
    else this.#outbound.set(from, (this.#outbound.get(from) ?? 0) + bytes);
  }

  mayReceive(host: string, bytes: number): boolean {
    return fits(this.#inbound.get(host) ?? 0, bytes, this.#limits.inboundBytes);
  }

  deepMaySend(bytes: number): boolean {
    return fits(this.#deep, bytes, this.#limits.deepBytes);
  }

  /** Of the hosts the one that sends the fewest bytes; `undefined` when not even that one may send more. */
  senderOf(hosts: readonly string[], bytes: number): string | undefined {
    const sends = (host: string) => this.#outbound.get(host) ?? 0;
    const [idlest] = hosts.toSorted((a, b) => sends(a) - sends(b) || (a < b ? -1 : 1));
    return idlest !== undefined && fits(sends(idlest), bytes, this.#limits.outboundBytes)
      ? idlest
      : undefined;
  }
}

function fits(already: number, more: number, limit: number): boolean {
  return already === 0 || already + more <= limit;
}
