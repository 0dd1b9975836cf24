/**
 * What may be in an archive that is unpacked: files, folders, and links that stay within it, whoever made it. Entries are
 * looked at in their order, before any of them is written.
 */

/** One entry as the archive tells of it. */
export interface ArchiveEntry {
  readonly path: string;
  /** As `tar` names it: `File`, `Directory`, `SymbolicLink`, `Link` and others. */
  readonly type: string;
  /** Of a link. */
  readonly linkPath: string;
  readonly sizeBytes: number;
}

export function isLink({ type }: Pick<ArchiveEntry, 'type'>): boolean {
  return type === 'SymbolicLink' || type === 'Link';
}

export interface ArchiveBounds {
  readonly maxEntries: number;
  /** Of all files together, unpacked. */
  readonly maxBytes: number;
}

const files = ['File', 'OldFile', 'ContiguousFile'];

export class ArchiveRules {
  readonly #bounds: ArchiveBounds;
  /** Paths of symbolic links: nothing may lie below one. */
  readonly #symbolicLinks = new Set<string>();
  #entries = 0;
  #bytes = 0;

  constructor(bounds: ArchiveBounds) {
    this.#bounds = bounds;
  }

  /** Why the next entry is refused, for people; undefined: it may be written. */
  refusalOf(entry: ArchiveEntry): string | undefined {
    const { maxEntries, maxBytes } = this.#bounds;
    this.#entries++;
    this.#bytes += entry.sizeBytes;
    if (this.#entries > maxEntries) return `it has more than ${maxEntries} entries`;
    if (this.#bytes > maxBytes) return `it has more than ${maxBytes} bytes when it is unpacked`;
    const at = JSON.stringify(entry.path);
    const steps = stepsOf(entry.path);
    if (!isBelow(entry.path)) return `${at} would lie outside`;
    if (this.#isThroughLink(steps.slice(0, -1))) return `${at} lies below a symbolic link`;
    return this.#refusalOfKind(entry, steps);
  }

  #refusalOfKind(entry: ArchiveEntry, steps: readonly string[]): string | undefined {
    const { type, linkPath } = entry;
    const [at, to] = [JSON.stringify(entry.path), JSON.stringify(linkPath)];
    if (type === 'SymbolicLink') {
      if (!staysWithin(linkPath, steps.length - 1)) return `${at} links to ${to}, which is outside`;
      this.#symbolicLinks.add(steps.join('/'));
      return undefined;
    }
    if (type === 'Link') {
      return isBelow(linkPath) ? undefined : `${at} links to ${to}, which is outside`;
    }
    return files.includes(type) || type === 'Directory' ? undefined : `${at} is a ${type}`;
  }

  /** Whether one of the folders on the way is a symbolic link. */
  #isThroughLink(steps: readonly string[]): boolean {
    return steps.some((_, i) => this.#symbolicLinks.has(steps.slice(0, i + 1).join('/')));
  }
}

function stepsOf(path: string): string[] {
  return path.split('/').filter((step) => step !== '' && step !== '.');
}

function isBelow(path: string): boolean {
  return !path.startsWith('/') && !path.split('/').includes('..');
}

/**
 * Whether a symbolic link in a folder of that depth leads to within the archive. It may only go up at its beginning:
 * behind the name of another link `..` is not what it seems.
 */
function staysWithin(target: string, depth: number): boolean {
  if (target.startsWith('/')) return false;
  const steps = stepsOf(target);
  const firstDown = steps.findIndex((step) => step !== '..');
  const ups = firstDown === -1 ? steps.length : firstDown;
  return ups <= depth && !steps.slice(ups).includes('..');
}
