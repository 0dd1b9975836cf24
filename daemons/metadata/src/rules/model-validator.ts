import type { FieldViolation } from '@tessera/base';
import type { metadata } from '@tessera/proto';
import { checkCube } from './check-cube.ts';
import { checkModel } from './check-model.ts';

/** Finds every fault of a spec. What it cannot know (columns, types) is checked when a cube is built. */
export interface ModelValidator {
  checkModel(spec: metadata.ModelSpec): readonly FieldViolation[];
  checkCube(spec: metadata.CubeSpec, model: metadata.ModelSpec): readonly FieldViolation[];
}

/** Checks what can be known without a source: names, references and cycles. */
export const structuralValidator: ModelValidator = { checkModel, checkCube };
