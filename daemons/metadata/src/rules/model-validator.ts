import type { FieldViolation } from '@tessera/base';
import type { access, metadata } from '@tessera/proto';
import { checkCube } from './check-cube.ts';
import { checkModel } from './check-model.ts';

type Faults = readonly FieldViolation[];

/**
 * Finds every fault of a spec. A validator that knows the sources may take its time and throws what keeps it from
 * knowing them.
 */
export interface ModelValidator {
  /** `name` is the model's resource name. */
  checkModel(spec: metadata.ModelSpec, name: string): Faults | Promise<Faults>;
  /** `model` is the resource that the cube is of. */
  checkCube(
    spec: metadata.CubeSpec,
    model: Pick<metadata.Model, 'name' | 'spec'>,
  ): Faults | Promise<Faults>;
  /** Whether it fits the table that it is for. */
  checkPolicy(policy: access.Policy): Faults | Promise<Faults>;
}

/** Checks what can be known without a source: names, references and cycles. */
export const structuralValidator: ModelValidator = {
  checkModel,
  checkCube: (spec, model) => checkCube(spec, model.spec!),
  checkPolicy: () => [],
};
