import { gzipSync } from 'node:zlib';
import { Header } from 'tar';

export interface PackedEntry {
  readonly path: string;
  readonly type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'FIFO';
  readonly linkpath?: string;
  readonly content?: string;
  readonly mode?: number;
}

/** A `.tar.gz` of exactly these entries, also of those that no sane program would pack. */
export function archiveOf(entries: readonly PackedEntry[]): Buffer {
  const blocks = entries.flatMap(({ content = '', type = 'File', ...rest }) => {
    const header = Buffer.alloc(512);
    const body = Buffer.from(type === 'File' ? content : '');
    new Header({ mode: 0o644, ...rest, type, size: body.length, mtime: new Date(0) }).encode(
      header,
    );
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}
