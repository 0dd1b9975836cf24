import type { KeyValueStore } from '@tessera/base';
import type { metadata } from '@tessera/proto';
import { badRequest, cubeNotEmpty, inUse, invalidSpec, notFound } from '../errors.ts';
import type { Commit } from '../resources/commit.ts';
import { cubeKind, modelKind, sourceKind } from '../resources/kinds.ts';
import { idsOf, keyOf, selectBelow } from '../resources/resource-key.ts';
import type { Change, ResourceRules } from '../resources/resource-table.ts';
import { forgetCoverage } from './coverage.ts';
import type { ModelValidator } from './model-validator.ts';
import { projectOf, referProject, sourcesOf } from './project-rules.ts';
import { forgetUses, guardUses, refer, touch } from './references.ts';
import { VersionKeys } from './resource-versions.ts';

export interface ModelRulesOptions {
  readonly store: KeyValueStore;
  readonly validator: ModelValidator;
  readonly cubesOf: (project: string) => Promise<readonly metadata.Cube[]>;
}

const versions = new VersionKeys(modelKind);

/** Models: valid, their sources there, every version kept, and no cube left without what it names. */
export function modelRules(options: ModelRulesOptions): ResourceRules<metadata.Model> {
  const { store, validator } = options;
  return {
    onWrite: async (change, commit) => {
      const { before, after } = change;
      const { name, spec } = after;
      if (spec === undefined) throw badRequest('model.spec', 'is missing.');
      const faults = await validator.checkModel(spec, name);
      if (faults.length > 0) throw invalidSpec('model', name, faults);
      if (before === undefined) referProject(commit, name);
      else await checkCubesOf(options, after, commit);
      for (const source of sourcesOf(after)) refer(commit, sourceKind, source);
      const versioned = { ...after, version: (before?.version ?? 0n) + 1n };
      versions.keep(commit, versioned);
      return versioned;
    },
    onDelete: async ({ name }, commit) => {
      await guardUses(store, commit, modelKind, name);
      const users = await cubesOfModel(options, name);
      if (users.length > 0)
        throw inUse(
          'model',
          name,
          users.map((cube) => cube.name),
        );
      versions.forget(commit, name);
      forgetUses(commit, modelKind, name);
    },
  };
}

async function cubesOfModel({ cubesOf }: ModelRulesOptions, name: string) {
  const [project, id] = idsOf(modelKind.pattern, name);
  const cubes = await cubesOf(`projects/${project}`);
  return cubes.filter(({ spec }) => spec?.model === id);
}

/** A model may not lose what a cube of it names. */
async function checkCubesOf(
  options: ModelRulesOptions,
  model: metadata.Model,
  commit: Commit,
): Promise<void> {
  const { name } = model;
  await guardUses(options.store, commit, modelKind, name);
  const broken: metadata.Cube[] = [];
  for (const cube of await cubesOfModel(options, name)) {
    const faults = await options.validator.checkCube(cube.spec!, model);
    if (faults.length > 0) broken.push(cube);
  }
  if (broken.length > 0)
    throw inUse(
      'model',
      name,
      broken.map((cube) => cube.name),
    );
}

export interface CubeRulesOptions {
  readonly store: KeyValueStore;
  readonly validator: ModelValidator;
  readonly findModel: (name: string) => Promise<metadata.Model | undefined>;
}

/** Cubes: valid for the model as it is when they are written. */
export function cubeRules(options: CubeRulesOptions): ResourceRules<metadata.Cube> {
  const { store } = options;
  return {
    onWrite: async (change, commit) => {
      if (change.before === undefined) referProject(commit, change.after.name);
      await checkAgainstModel(options, change, commit);
      return change.after;
    },
    onDelete: async ({ name }, commit, { force }) => {
      const segments = selectBelow('segments', idsOf(cubeKind.pattern, name));
      if (!force) {
        await guardUses(store, commit, cubeKind, name);
        const { entries } = await store.list(segments, { limit: 1 });
        if (entries.length > 0) throw cubeNotEmpty(name);
      }
      commit.deletePrefix(segments.start, segments.end!);
      forgetCoverage(commit, name);
      forgetUses(commit, cubeKind, name);
    },
  };
}

async function checkAgainstModel(
  { validator, findModel }: CubeRulesOptions,
  { before, after }: Change<metadata.Cube>,
  commit: Commit,
): Promise<void> {
  const { name, spec } = after;
  if (spec === undefined) throw badRequest('cube.spec', 'is missing.');
  if (before !== undefined && before.spec?.model !== spec.model) {
    throw badRequest('cube.spec.model', 'cannot be changed; create another cube.');
  }
  const modelName = `${projectOf(name)}/models/${spec.model}`;
  const model = await findModel(modelName);
  if (model === undefined) throw notFound('model', modelName);
  const faults = await validator.checkCube(spec, model);
  if (faults.length > 0) throw invalidSpec('cube', name, faults);
  commit.requireUnchanged(keyOf(modelKind.pattern, modelName), model.revision);
  touch(commit, modelKind, modelName);
}
