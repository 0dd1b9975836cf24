/** Models, cuboids, matching, planning and building of cubes: pure. */

export { type BuildTask, planBuild } from './build/plan-build.ts';
export * from './build-plan.ts';
export * from './cuboid.ts';
export { cuboidsOfGroup, dimensionIndex } from './lattice/cuboids-of-groups.ts';
export { layoutWithoutRows } from './lattice/layout-without-rows.ts';
export {
  isCurrentLayout,
  layoutId,
  type WantedLayout,
  wantedLayouts,
} from './lattice/wanted-layouts.ts';
export * from './match/index.ts';
export type * from './matched.ts';
export type * from './model.ts';
export type * from './model-spec.ts';
export * from './plan/index.ts';
export { checkCube } from './resolve/check-cube.ts';
export { resolveModel } from './resolve/resolve-model.ts';
export * from './resources/index.ts';
export * from './scan/index.ts';
export * from './scan-plan.ts';
export * from './segment.ts';
export { estimateDistinct, type Frequencies } from './statistics/distinct-estimate.ts';
export * from './time/index.ts';
