import type { FieldViolation } from '@tessera/base';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLMap,
} from 'yaml';
import { yamlAliases, yamlTooDeep, yamlTooLarge } from '../errors.ts';
import { limits } from '../limits.ts';
import { fieldPath, type SourcePosition } from './resource.ts';

/** One YAML document as plain values, with the position of every field. */
export interface YamlDocument {
  readonly value: unknown;
  readonly positions: ReadonlyMap<string, SourcePosition>;
  /** Where a key itself stands, for keys that should not be there. */
  readonly keyPositions: ReadonlyMap<string, SourcePosition>;
  readonly violations: readonly FieldViolation[];
}

/**
 * Reads YAML 1.2 into plain values: no tags, no dates, no merge keys; what JSON could not hold is a violation.
 * @throws YAML_TOO_LARGE, YAML_TOO_DEEP, YAML_ALIASES before the text can cost more than its size
 */
export function readYaml(text: string, file: string): YamlDocument[] {
  if (text.length > limits.yamlCharacters) {
    throw yamlTooLarge(file, 'characters', limits.yamlCharacters);
  }
  if (nestsTooDeep(text)) throw yamlTooDeep(file, limits.yamlDepth);
  const lines = new LineCounter();
  const documents = composed(text, file, lines);
  const budget = { nodes: limits.yamlNodes };
  return documents.map((document) => new DocumentReader(document, file, lines, budget).read());
}

/**
 * A rough look at the text, since the YAML parser itself recurses: brackets of any kind (also in strings, which is why
 * the bound is generous) and lists that begin inside lists on one line.
 */
function nestsTooDeep(text: string): boolean {
  const most = limits.yamlDepth * 8;
  let depth = 0;
  for (let i = 0; i < text.length && depth <= most; i++) {
    const character = text[i];
    if (character === '[' || character === '{') depth += 1;
    else if ((character === ']' || character === '}') && depth > 0) depth -= 1;
  }
  return depth > most || new RegExp(`(?:[-?:]\\s+){${most}}`).test(text);
}

function composed(text: string, file: string, lines: LineCounter): Document.Parsed[] {
  try {
    const parsed = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false, // Compares all pairs of keys; the reader below does it in one pass.
      version: '1.2',
      schema: 'core',
      merge: false,
    });
    return Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    if (error instanceof RangeError) throw yamlTooDeep(file, limits.yamlDepth);
    throw error;
  }
}

type Path = readonly (string | number)[];

class DocumentReader {
  readonly #document: Document.Parsed;
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #budget: { nodes: number };
  readonly #positions = new Map<string, SourcePosition>();
  readonly #keyPositions = new Map<string, SourcePosition>();
  readonly #violations: FieldViolation[] = [];
  #aliases = 0;

  constructor(
    document: Document.Parsed,
    file: string,
    lines: LineCounter,
    budget: { nodes: number },
  ) {
    this.#document = document;
    this.#file = file;
    this.#lines = lines;
    this.#budget = budget;
  }

  read(): YamlDocument {
    for (const error of this.#document.errors.slice(0, limits.violations)) {
      this.#violate([], `${error.message}. Correct the YAML.`, this.#at(error.pos[0]));
    }
    const broken = this.#violations.length > 0;
    const value = broken ? undefined : this.#value(this.#document.contents, []);
    return {
      value,
      positions: this.#positions,
      keyPositions: this.#keyPositions,
      violations: this.#violations,
    };
  }

  #value(node: Node | null, path: Path): unknown {
    this.#budget.nodes -= 1;
    if (this.#budget.nodes < 0) {
      throw this.#aliases > 0
        ? yamlAliases(this.#file, limits.yamlNodes)
        : yamlTooLarge(this.#file, 'nodes', limits.yamlNodes);
    }
    if (path.length > limits.yamlDepth) throw yamlTooDeep(this.#file, limits.yamlDepth);
    if (node === null) return null;
    const start = node.range?.[0];
    const key = fieldPath(path);
    if (start !== undefined && !this.#positions.has(key)) this.#positions.set(key, this.#at(start));
    if (isAlias(node)) return this.#aliased(node.resolve(this.#document), node.source, path);
    if (isMap(node)) return this.#map(node, path);
    if (isSeq(node)) return node.items.map((item, i) => this.#value(item as Node, [...path, i]));
    return isScalar(node) ? this.#scalar(node.value, path) : null;
  }

  #aliased(target: Node | undefined, anchor: string, path: Path): unknown {
    this.#aliases += 1;
    if (target !== undefined) return this.#value(target, path);
    this.#violate(path, `There is no anchor &${anchor} before this alias.`);
    return null;
  }

  #map(node: YAMLMap, path: Path): Record<string, unknown> {
    const fields = new Map<string, unknown>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : undefined;
      const start = (key as Node | null)?.range?.[0];
      const at = start === undefined ? undefined : this.#at(start);
      if (name === undefined) {
        this.#violate(path, 'A key has to be a plain name.', at);
      } else if (fields.has(name)) {
        this.#violate([...path, name], `"${name}" is written twice; remove one.`, at);
      } else {
        if (at !== undefined) this.#keyPositions.set(fieldPath([...path, name]), at);
        fields.set(name, this.#value(value as Node | null, [...path, name]));
      }
    }
    return Object.fromEntries(fields);
  }

  #scalar(value: unknown, path: Path): unknown {
    if (typeof value === 'number' && !isPlainNumber(value)) {
      this.#violate(path, 'This number cannot be kept exactly; put it in quotes.');
      return 0;
    }
    return value;
  }

  #violate(path: Path, description: string, at?: SourcePosition): void {
    if (this.#violations.length >= limits.violations) return;
    const field = fieldPath(path);
    const position = at ?? this.#positions.get(field) ?? { line: 1, column: 1 };
    this.#violations.push({ field, description, file: this.#file, ...position });
  }

  #at(offset: number): SourcePosition {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

function isPlainNumber(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}
