import type { KeyValueStore } from '@tessera/base';
import type { metadata } from '@tessera/proto';
import { badRequest, inUse, notEmpty } from '../errors.ts';
import type { Commit } from '../resources/commit.ts';
import { projectKind, sourceKind } from '../resources/kinds.ts';
import { collectionOf, idsOf, selectBelow } from '../resources/resource-key.ts';
import type { Change, ResourceRules } from '../resources/resource-table.ts';
import { forgetUses, guardUses, refer } from './references.ts';

/** What lies in a project. */
const children = ['sources', 'models', 'cubes', 'snapshots', 'dictionaries', 'policies'] as const;

/** The project that a name lies in, for what must not outlive it. */
export function referProject(commit: Commit, name: string): void {
  refer(commit, projectKind, projectOf(name));
}

export function projectOf(name: string): string {
  return name.split('/').slice(0, 2).join('/');
}

export function projectRules(store: KeyValueStore): ResourceRules<metadata.Project> {
  return {
    onDelete: async ({ name }, commit) => {
      await guardUses(store, commit, projectKind, name);
      for (const child of children) {
        const range = selectBelow(child, idsOf(projectKind.pattern, name));
        const { entries } = await store.list(range, { limit: 1 });
        if (entries.length > 0) throw notEmpty('project', name, child);
      }
      forgetUses(commit, projectKind, name);
    },
  };
}

export function sourceRules(
  store: KeyValueStore,
  modelsOf: (project: string) => Promise<readonly metadata.Model[]>,
): ResourceRules<metadata.Source> {
  return {
    onWrite: async ({ before, after }, commit) => {
      if (after.connector === '') throw badRequest('source.connector', 'must not be empty.');
      if (before === undefined) referProject(commit, after.name);
      return after;
    },
    onDelete: async ({ name }, commit) => {
      await guardUses(store, commit, sourceKind, name);
      const models = await modelsOf(projectOf(name));
      const users = models.filter((model) => sourcesOf(model).includes(name));
      if (users.length > 0)
        throw inUse(
          'source',
          name,
          users.map((model) => model.name),
        );
      forgetUses(commit, sourceKind, name);
    },
  };
}

/** Resource names of the sources that a model reads. */
export function sourcesOf({ name, spec }: metadata.Model): string[] {
  const prefix = `${projectOf(name)}/${collectionOf(sourceKind.pattern)}/`;
  const ids = [spec?.fact?.source ?? '', ...(spec?.joins ?? []).map(({ source }) => source)];
  return [...new Set(ids.filter((id) => id !== ''))].map((id) => prefix + id);
}

/** Snapshots and dictionaries: copies that belong to a model. */
export function copyRules<T extends metadata.Snapshot | metadata.Dictionary>(): ResourceRules<T> {
  return {
    onWrite: async ({ before, after }: Change<T>, commit) => {
      if (before === undefined) referProject(commit, after.name);
      return after;
    },
  };
}
