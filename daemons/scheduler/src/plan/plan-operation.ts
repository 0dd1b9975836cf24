import { type Any, type metadata, scheduler } from '@tessera/proto';
import type { BuildDependencies } from '../build/build-operation.ts';
import { type ObservedCube, observeCube } from '../build/observe.ts';
import type { OperationContext, OperationKind } from '../operations/operation.ts';
import { timestamp } from '../operations/progress.ts';
import { cuboidsOf, type PlanWish, planCube } from './plan-cube.ts';

const responseType = 'type.googleapis.com/tessera.scheduler.v1.PlanCubeResponse';

/** Chooses cuboids for a cube, and with `apply` makes the choice its plan. */
export class PlanOperation implements OperationKind {
  readonly kind = 'plan';
  readonly #deps: BuildDependencies;

  constructor(deps: BuildDependencies) {
    this.#deps = deps;
  }

  async run(context: OperationContext): Promise<Any> {
    const request = scheduler.PlanCubeRequest.decode(context.record.request!.value);
    const cube = await observeCube(this.#deps.clients, this.#deps.registry, context.record.target);
    const encoded = await journaledPlan(this.#deps, cube, request, context);
    if (request.apply) await applyPlan(this.#deps, cube, decode(encoded), context);
    return { typeUrl: responseType, value: Buffer.from(encoded, 'base64') };
  }

  /** A plan leaves nothing behind. */
  async cleanUp(): Promise<void> {}
}

/** True for a cube whose cuboids the planner is to choose, and has not yet. */
export function needsPlan({ spec, planned }: ObservedCube): boolean {
  const byHand = spec.groups.length + spec.cuboids.length > 0;
  return spec.planner !== undefined && !byHand && planned.length === 0;
}

/** The cube with a plan: made from the query log and the model, and applied, if it needs one. Journaled. */
export async function plannedCube(
  deps: BuildDependencies,
  cube: ObservedCube,
  context: OperationContext,
): Promise<ObservedCube> {
  if (!needsPlan(cube)) return cube;
  const wish: PlanWish = { budget: '', queries: [], ignoreQueryLog: false };
  const encoded = await journaledPlan(deps, cube, wish, context);
  await applyPlan(deps, cube, decode(encoded), context);
  context.progress.update({ stepsDone: 0 });
  return observeCube(deps.clients, deps.registry, cube.name);
}

/** The response, encoded: after a crash the same choice is taken, whatever is asked or stored by then. */
function journaledPlan(
  deps: BuildDependencies,
  cube: ObservedCube,
  wish: PlanWish,
  { journal, progress, signal }: OperationContext,
): Promise<string> {
  return journal.step(
    'plan',
    () => null,
    async () => {
      const response = await planCube(deps, cube, wish, progress, signal);
      const bytes = scheduler.PlanCubeResponse.encode(response).finish();
      return Buffer.from(bytes).toString('base64');
    },
  );
}

function decode(encoded: string): scheduler.PlanCubeResponse {
  return scheduler.PlanCubeResponse.decode(Buffer.from(encoded, 'base64'));
}

/** ABORTED ETAG_MISMATCH when somebody else wrote the cube meanwhile: what was planned may not fit it. */
async function applyPlan(
  { clients, clock }: BuildDependencies,
  cube: ObservedCube,
  response: scheduler.PlanCubeResponse,
  { journal }: OperationContext,
): Promise<void> {
  await journal.step(
    'apply',
    () => null,
    async () => {
      const { version } = await clients.models.getModel({ name: cube.modelName });
      const plan: metadata.CubePlan = {
        cuboids: cuboidsOf(response).map((names) => ({ names })),
        modelVersion: version,
        planTime: timestamp(clock.now()),
      };
      await clients.cubes.updateCube({
        cube: { name: cube.name, etag: cube.etag, plan },
        updateMask: ['plan'],
      });
      return null;
    },
  );
}
