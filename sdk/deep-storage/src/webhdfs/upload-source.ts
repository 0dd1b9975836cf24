/** Content on its way into an upload: counts what went out, and keeps how reading it failed, which a connection does not tell. */
export class UploadSource implements AsyncIterable<Uint8Array> {
  readonly #content: AsyncIterable<Uint8Array>;
  #sizeBytes = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#content = content;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** How reading the content failed, if it did. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#content) {
        this.#sizeBytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }
}
