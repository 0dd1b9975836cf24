import type { FieldViolation } from '@tessera/base';
import type { CubeSpec, ModelSpec } from '../model-spec.ts';
import type { AccessResource } from './access-resource.ts';
import type { DeploymentResource } from './deployment-resource.ts';
import type { FlinkClusterResource, FlinkJobResource } from './flink-resource.ts';

/** What `tessera apply` takes and `tessera export` gives: one YAML document each. */
export type Resource =
  | ProjectResource
  | SourceResource
  | ModelResource
  | CubeResource
  | AccessResource
  | DeploymentResource
  | FlinkClusterResource
  | FlinkJobResource;
export type ResourceKind = Resource['kind'];

export interface ProjectResource {
  readonly kind: 'Project';
  readonly name: string;
  readonly spec: ProjectSpec;
}
export interface ProjectSpec {
  readonly description?: string;
}

export interface SourceResource {
  readonly kind: 'Source';
  readonly name: string;
  readonly spec: SourceSpec;
}
export interface SourceSpec {
  /** Package of the connector. */
  readonly use: string;
  /** The connector's own; parsed by it. */
  readonly config: JsonObject;
}

export interface ModelResource {
  readonly kind: 'Model';
  readonly name: string;
  readonly spec: ModelSpec;
}

export interface CubeResource {
  readonly kind: 'Cube';
  readonly name: string;
  readonly spec: CubeSpec;
}

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Counted from 1, in characters. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

/** A resource and where in its file each field was written. */
export interface ParsedResource {
  readonly resource: Resource;
  readonly file: string;
  /** By field path as in `FieldViolation.field`; the empty path is the document. */
  readonly positions: ReadonlyMap<string, SourcePosition>;
}

export interface ParsedResources {
  readonly file: string;
  /** In the order of the text. */
  readonly resources: readonly ParsedResource[];
}

/** The same violations with file, line and column: of the field, or of the nearest field around it that is written. */
export function locateViolations(
  parsed: Pick<ParsedResource, 'file' | 'positions'>,
  violations: readonly FieldViolation[],
): FieldViolation[] {
  return violations.map((violation) => {
    let path = violation.field;
    while (path !== '' && !parsed.positions.has(path)) path = parentPath(path);
    return { ...violation, file: parsed.file, ...parsed.positions.get(path) };
  });
}

/** `a.b[2]` of `a.b[2].c`; empty at the top. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('.'), path.lastIndexOf('[')));
}

/** A field's path as messages and positions spell it: `dimensions[2].column`. */
export function fieldPath(keys: readonly (string | number | symbol)[]): string {
  return keys
    .map((key, i) =>
      typeof key === 'number' ? `[${key}]` : i === 0 ? String(key) : `.${String(key)}`,
    )
    .join('');
}
