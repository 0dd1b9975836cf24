import { type FieldViolation, nearestName } from '@tessera/base';
import { z } from 'zod';
import { resourceInvalid } from '../errors.ts';
import { limits } from '../limits.ts';
import { readYaml, type YamlDocument } from './read-yaml.ts';
import {
  fieldPath,
  locateViolations,
  type ParsedResource,
  type ParsedResources,
  type Resource,
  type ResourceKind,
} from './resource.ts';
import { schemas } from './schema.ts';

/**
 * Reads resources from YAML, several documents in one text. All faults are reported at once, each with file,
 * line, column, field path and what to do. Names are checked for form only: `resolveModel` checks meaning.
 * @throws INVALID_ARGUMENT RESOURCE_INVALID, YAML_TOO_LARGE, YAML_TOO_DEEP, YAML_ALIASES
 */
export function parseResources(text: string, fileName: string): ParsedResources {
  const violations: FieldViolation[] = [];
  const resources: ParsedResource[] = [];
  for (const document of readYaml(text, fileName)) {
    if (document.violations.length > 0) violations.push(...document.violations);
    else if (document.value !== null) {
      const parsed = parseDocument(document, fileName);
      if ('resource' in parsed) resources.push(parsed);
      else violations.push(...parsed.violations);
    }
  }
  violations.push(...duplicates(resources));
  if (violations.length > 0) throw resourceInvalid(violations.slice(0, limits.violations));
  return { file: fileName, resources };
}

type Parsed = ParsedResource | { readonly violations: readonly FieldViolation[] };

function parseDocument(document: YamlDocument, file: string): Parsed {
  const { value, positions } = document;
  const kind = kindOf(value);
  if (typeof kind !== 'string')
    return { violations: locateViolations({ file, positions }, [kind]) };
  const result = schemas[kind].safeParse(value, { reportInput: true });
  if (result.success) return { resource: resourceOf(result.data), file, positions };
  const places = new Map([...positions, ...unknownKeyPlaces(document, result.error)]);
  const violations = result.error.issues.flatMap((issue) => violationsOf(issue, kind));
  return { violations: locateViolations({ file, positions: places }, violations) };
}

function kindOf(value: unknown): ResourceKind | FieldViolation {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { field: '', description: 'A resource is a map with apiVersion, kind and name.' };
  }
  const kinds = Object.keys(schemas);
  const kind: unknown = Object.hasOwn(value, 'kind')
    ? (value as { kind: unknown }).kind
    : undefined;
  if (typeof kind === 'string' && Object.hasOwn(schemas, kind)) return kind as ResourceKind;
  if (kind === undefined)
    return { field: 'kind', description: `is missing; use one of ${kinds.join(', ')}.` };
  return { field: 'kind', description: `${shown(kind)} is not a kind${hint(kind, kinds)}.` };
}

function resourceOf(data: z.output<(typeof schemas)[ResourceKind]>): Resource {
  const { apiVersion: _, kind, name, ...spec } = data;
  return { kind, name, spec } as unknown as Resource;
}

/** Unknown keys are shown where the key stands, everything else where its value does. */
function unknownKeyPlaces(document: YamlDocument, error: z.ZodError) {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.flatMap((key) => {
          const path = fieldPath([...issue.path, key]);
          const place = document.keyPositions.get(path);
          return place === undefined ? [] : [[path, place] as const];
        })
      : [],
  );
}

function violationsOf(issue: z.core.$ZodIssue, kind: ResourceKind): FieldViolation[] {
  const field = fieldPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schemas[kind], issue.path);
    return issue.keys.map((key) => ({
      field: fieldPath([...issue.path, key]),
      description: `is not known here${hint(key, known)}.`,
    }));
  }
  return [{ field, description: `${describe(issue)}.` }];
}

function describe(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing; give ${typeNames[issue.expected] ?? `a ${issue.expected}`}`
        : `must be ${typeNames[issue.expected] ?? `a ${issue.expected}`}, not ${shown(issue.input)}`;
    case 'invalid_value': {
      const values = issue.values.map(String);
      return issue.input === undefined
        ? `is missing; give one of ${values.join(', ')}`
        : `${shown(issue.input)} is not possible${hint(issue.input, values)}`;
    }
    case 'invalid_format':
    case 'custom':
      return issue.input === undefined
        ? `is missing; it ${issue.message}`
        : `${issue.message}, not ${shown(issue.input)}`;
    default:
      return issue.message;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  int: 'a whole number',
  number: 'a number',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

/** The nearest name, and all names when they are few. */
function hint(given: unknown, known: readonly string[]): string {
  const nearest = nearestName(String(given), known);
  if (nearest !== undefined) return `; did you mean ${nearest}`;
  return known.length === 0 ? '' : `; known are ${known.slice(0, 20).join(', ')}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The keys that a schema takes at a path. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.ZodType | undefined = unwrapped(schema);
  for (const key of path) {
    if (at instanceof z.ZodArray) at = unwrapped(at.element as z.ZodType);
    else if (at instanceof z.ZodObject) at = unwrapped(at.shape[key as string] as z.ZodType);
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? unwrapped(schema.unwrap() as z.ZodType)
    : schema;
}

function duplicates(resources: readonly ParsedResource[]): FieldViolation[] {
  const seen = new Set<string>();
  return resources.flatMap((parsed) => {
    const { kind, name } = parsed.resource;
    const key = `${kind} ${name}`;
    const twice = seen.has(key);
    seen.add(key);
    const description = `${key} is written twice in this file; remove one or rename it.`;
    return twice ? locateViolations(parsed, [{ field: 'name', description }]) : [];
  });
}
