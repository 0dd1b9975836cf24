import type { DaemonWork, ScanOptions, ScanWork, WireBytes } from '@tessera/client';

/** What is learnt of one call to a storage daemon on the way. */
export class ToldOfCall {
  #rowCount = 0;
  #sentBytes = 0;
  #wireBytes = 0;
  #work: ScanWork | undefined;

  /** For the call's options; whoever asked for the scan is told as well. */
  listeners(also: ScanOptions): Required<Pick<ScanOptions, 'onWireBytes' | 'onScanWork'>> {
    return {
      onWireBytes: (message: WireBytes) => {
        if (message.way === 'sent') this.#sentBytes += message.bytes;
        else this.#wireBytes += message.bytes;
        also.onWireBytes?.(message);
      },
      onScanWork: (work) => {
        this.#work = work;
        also.onScanWork?.(work);
      },
    };
  }

  rows(count: number): void {
    this.#rowCount += count;
  }

  soFar(): Pick<DaemonWork, 'rowCount' | 'sentBytes' | 'wireBytes' | 'work'> {
    return {
      rowCount: this.#rowCount,
      sentBytes: this.#sentBytes,
      wireBytes: this.#wireBytes,
      ...(this.#work === undefined ? {} : { work: this.#work }),
    };
  }
}
