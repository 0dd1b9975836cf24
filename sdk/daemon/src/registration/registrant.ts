/** What a daemon makes itself known as: a resource of metadata whose name belongs to one holder, and a lease. */
export interface Registrant<Resource extends Registered> {
  /** Such as `host`: begins the names of what is logged. */
  readonly kind: string;
  /** Reasons of failures to write when another has the name: then trying again is no use. */
  readonly takenReasons: readonly string[];
  /** Called before each try to take the lease: what is described from then on may say that it is another session. */
  beginSession?(): void;
  /** What is registered, as it is now. */
  describe(): Promise<Resource>;
  /** Writes the resource, whether it is there or not. */
  write(resource: Resource, signal: AbortSignal): Promise<unknown>;
  /** Tells whether two of them say the same. */
  textOf(resource: Resource): string;
  /** Who holds the lease: the same in each life of the daemon, so that it takes over from itself at once. */
  holderOf(resource: Resource): string;
}

export interface Registered {
  readonly name: string;
  /** `leases/{lease}`. */
  readonly lease: string;
}
