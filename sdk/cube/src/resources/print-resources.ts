import { Document, isCollection, isMap, isSeq, type Node, type Pair, visit } from 'yaml';
import { z } from 'zod';
import type { Resource } from './resource.ts';
import { schemas } from './schema.ts';

/**
 * Resources as YAML that `parseResources` reads back to the same values, so that applying an export changes
 * nothing. Defaults are left out, and each dimension, measure, join and group stands on one line.
 */
export function printResources(resources: readonly Resource[]): string {
  return resources.map(printResource).join('---\n');
}

const lineWidth = 110;
/** Fields whose entries are written one to a line, each in `{ … }`. */
const lists = new Set(['joins', 'dimensions', 'measures', 'computedColumns', 'groups', 'cuboids']);

/** A connector's own, and what has many fields: kept as an indented tree. */
const trees = new Set(['config', 'daemons', 'configuration']);
/** Fields of which each field is written on one line. */
const branches = new Set(['scaling']);

function printResource({ kind, name, spec }: Resource): string {
  const given = { apiVersion: 'tessera/v1', kind, name, ...withoutDefaults(spec) };
  const fields = inSchemaOrder(given, schemas[kind]) as object;
  const document = new Document(fields, {
    version: '1.2',
    schema: 'core',
    aliasDuplicateObjects: false,
  });
  for (const { key, value } of isMap<Node, Node>(document.contents)
    ? document.contents.items
    : []) {
    const field = String(key);
    if (trees.has(field)) continue;
    if (lists.has(field) && isSeq(value)) for (const item of value.items) inOneLine(item as Node);
    else if (branches.has(field) && isMap<Node, Node>(value)) value.items.forEach(inOneLineOf);
    else inOneLine(value);
  }
  return document.toString({ lineWidth, flowCollectionPadding: true });
}

/** The same value with the fields of maps in the order in which the schema has them. */
function inSchemaOrder(value: unknown, schema: z.ZodType | undefined): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    return inSchemaOrder(value, schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((item) => inSchemaOrder(item, schema.element as z.ZodType));
  }
  if (!(schema instanceof z.ZodObject) || typeof value !== 'object' || value === null) return value;
  const fields = new Map(Object.entries(value));
  const order = Object.keys(schema.shape).filter((key) => fields.has(key));
  return Object.fromEntries(
    order.map((key) => [key, inSchemaOrder(fields.get(key), schema.shape[key] as z.ZodType)]),
  );
}

const inOneLineOf = ({ value }: Pair<Node, Node>): void => inOneLine(value);

function inOneLine(node: Node | null): void {
  visit(node as Node, {
    Collection: (_, collection) => {
      if (isCollection(collection)) collection.flow = true;
    },
  });
}

/** The parser fills these in again. */
function withoutDefaults(spec: object): Record<string, unknown> {
  const kept = Object.entries(spec).flatMap(([key, value]): [string, unknown][] => {
    if (value === undefined || isEmptyList(value)) return [];
    if (key === 'paused' && value === false) return [];
    if (key === 'config') return [[key, value]];
    // Of a cube they are maps, of a user names.
    if (key === 'groups') return [[key, (value as unknown[]).map(groupWithoutDefaults)]];
    if (key !== 'segments') return [[key, value]];
    const segments = withoutDefaults(value as object);
    return Object.keys(segments).length === 0 ? [] : [[key, segments]];
  });
  return Object.fromEntries(kept);
}

function groupWithoutDefaults(group: unknown): unknown {
  return typeof group === 'object' && group !== null ? withoutDefaults(group) : group;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
