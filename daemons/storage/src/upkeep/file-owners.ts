/** Who else has a file. */
export interface FileOwners {
  /**
   * Addresses of other storage daemons that hold a verified copy; `undefined` when no resource names the file, so that
   * nobody misses it.
   */
  addressesOf(file: string, signal: AbortSignal): Promise<readonly string[] | undefined>;
}

/** For a daemon that is registered nowhere: only deep storage may have it. */
export const noOwners: FileOwners = { addressesOf: async () => [] };
