import type { SqlPosition } from './errors.ts';

/** The parser counts in bytes of UTF-8; people count in lines and characters. */
export class SourceText {
  readonly text: string;
  /** Added to the parser's offsets: ASCII characters that were put before the text are negative. */
  readonly #offset: number;

  constructor(text: string, offset = 0) {
    this.text = text;
    this.#offset = offset;
  }

  /** `location` is a byte offset in the parsed text, as parse trees have it; undefined or negative: unknown. */
  position(location: number | undefined): SqlPosition | undefined {
    if (location === undefined || location < 0) return undefined;
    return this.positionOfIndex(indexOfByte(this.text, location + this.#offset));
  }

  /** `offset` counts characters of the parsed text, as the parser's own errors do. */
  positionOfCharacter(offset: number | undefined): SqlPosition | undefined {
    if (offset === undefined) return undefined;
    let index = 0;
    for (let i = offset + this.#offset; i > 0 && index < this.text.length; i--) {
      index += this.text.codePointAt(index)! < 0x10000 ? 1 : 2;
    }
    return this.positionOfIndex(index);
  }

  /** `index` counts UTF-16 units of `text`. */
  positionOfIndex(index: number): SqlPosition {
    const before = this.text.slice(0, index);
    const lineStart = before.lastIndexOf('\n') + 1;
    let line = 1;
    for (let i = before.indexOf('\n'); i >= 0; i = before.indexOf('\n', i + 1)) line++;
    return {
      line,
      column: characterCount(before.slice(lineStart)) + 1,
      position: characterCount(before) + 1,
    };
  }
}

function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The index of the UTF-16 unit at which byte `target` of the UTF-8 form starts. */
export function indexOfByte(text: string, target: number): number {
  let bytes = 0;
  let index = 0;
  while (index < text.length && bytes < target) {
    const point = text.codePointAt(index)!;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    index += point < 0x10000 ? 1 : 2;
  }
  return index;
}

/** Like `Buffer.byteLength`, but stops counting at `limit`. */
export function sizeBytesUpTo(text: string, limit: number): number {
  if (text.length > limit) return text.length;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    bytes += unit < 0x80 ? 1 : unit < 0x800 ? 2 : unit >= 0xd800 && unit < 0xe000 ? 2 : 3;
  }
  return bytes;
}
