import { type Any, metadata, scheduler } from '@tessera/proto';
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
    const made = await journaledPlan(this.#deps, cube, request, context);
    if (request.apply) await applyPlan(this.#deps, cube.name, made, context);
    return { typeUrl: responseType, value: Buffer.from(made.response, 'base64') };
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
  if (!needsPlan(cube)) {
    await context.journal.finish(applyStep, null); // It was applied before a crash.
    return cube;
  }
  const wish: PlanWish = { budget: '', queries: [], ignoreQueryLog: false };
  const made = await journaledPlan(deps, cube, wish, context);
  await applyPlan(deps, cube.name, made, context);
  context.progress.update({ stepsDone: 0 });
  return observeCube(deps.clients, deps.registry, cube.name);
}

const applyStep = 'apply';

/** A plan and what it was made for, as the journal keeps it: after a crash it is taken as it is, or not at all. */
interface JournaledPlan {
  /** The encoded response, in base64. */
  readonly response: string;
  readonly cubeEtag: string;
  readonly modelVersion: bigint;
  /** Microseconds since 1970. */
  readonly madeAt: bigint;
}

async function journaledPlan(
  deps: BuildDependencies,
  cube: ObservedCube,
  wish: PlanWish,
  { journal, progress, signal }: OperationContext,
): Promise<JournaledPlan> {
  const made = await journal.step(
    'plan',
    () => null,
    async () => {
      const response = await planCube(deps, cube, wish, progress, signal);
      const bytes = scheduler.PlanCubeResponse.encode(response).finish();
      return {
        response: Buffer.from(bytes).toString('base64'),
        cubeEtag: cube.etag,
        modelVersion: cube.modelVersion,
        madeAt: deps.clock.now(),
      };
    },
  );
  return made as unknown as JournaledPlan;
}

/**
 * Makes a plan the cube's. Repeating it changes nothing.
 * @throws ABORTED ETAG_MISMATCH when somebody else wrote the cube meanwhile: what was planned may not fit it.
 */
async function applyPlan(
  { clients }: BuildDependencies,
  cube: string,
  { response, cubeEtag, modelVersion, madeAt }: JournaledPlan,
  { journal }: OperationContext,
): Promise<void> {
  const chosen = scheduler.PlanCubeResponse.decode(Buffer.from(response, 'base64'));
  const plan: metadata.CubePlan = {
    cuboids: cuboidsOf(chosen).map((names) => ({ names })),
    modelVersion,
    planTime: timestamp(madeAt),
  };
  await journal.step(
    applyStep,
    () => null,
    async () => {
      const current = await clients.cubes.getCube({ name: cube });
      if (samePlan(current.plan, plan)) return null; // Written before a crash: the etag is no longer that of before.
      await clients.cubes.updateCube({
        cube: { name: cube, etag: cubeEtag, plan },
        updateMask: ['plan'],
      });
      return null;
    },
  );
}

function samePlan(a: metadata.CubePlan | undefined, b: metadata.CubePlan): boolean {
  const bytes = (plan: metadata.CubePlan) => metadata.CubePlan.encode(plan).finish();
  return a !== undefined && Buffer.compare(bytes(a), bytes(b)) === 0;
}
