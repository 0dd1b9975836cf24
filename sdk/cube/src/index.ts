/** Models, cuboids, matching, planning and building of cubes: pure. */
export * from './build-plan.ts';
export * from './cuboid.ts';
export type * from './matched.ts';
export type * from './model.ts';
export type * from './model-spec.ts';
export * from './scan-plan.ts';
export type * from './segment.ts';
