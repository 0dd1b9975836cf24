import { randomUUID } from 'node:crypto';
import type { TesseraClient } from '@tessera/client';
import { metadata } from '@tessera/proto';

/**
 * A resource that is changed again and again, each time to the next number. Whoever changes it requires that it is
 * still what was read, so a change that hangs somewhere cannot undo a later one.
 */
export interface CountedResource {
  readonly name: string;
  create(client: TesseraClient): Promise<void>;
  read(client: TesseraClient, signal?: AbortSignal): Promise<Counted>;
  change(client: TesseraClient, from: Counted, signal: AbortSignal): Promise<void>;
}

export interface Counted {
  readonly etag: string;
  readonly count: number;
}

const rowCount = metadata.MeasureAggregate.MEASURE_AGGREGATE_COUNT;

const project = 'written';
const parent = `projects/${project}`;

const policy: CountedResource = {
  name: `${parent}/policies/counted`,
  async create({ policies }) {
    await policies.createPolicy({ parent, policyId: 'counted', policy: policyOf(0) });
  },
  async read({ policies }, signal) {
    const { etag, rows } = await policies.getPolicy({ name: policy.name }, callOf(signal));
    return { etag, count: numberIn(rows) };
  },
  async change({ policies }, { etag, count }, signal) {
    const next = { name: policy.name, etag, ...policyOf(count + 1) };
    await policies.updatePolicy({ policy: next, requestId: randomUUID() }, { signal });
  },
};

const model: CountedResource = {
  name: `${parent}/models/counted`,
  async create({ models }) {
    await models.createModel({ parent, modelId: 'counted', model: { spec: modelSpecOf(0) } });
  },
  async read({ models }, signal) {
    const { etag, spec } = await models.getModel({ name: model.name }, callOf(signal));
    return { etag, count: numberIn(spec?.measures[0]?.name ?? '') };
  },
  async change({ models }, { etag, count }, signal) {
    const next = { name: model.name, etag, spec: modelSpecOf(count + 1) };
    await models.updateModel({ model: next, requestId: randomUUID() }, { signal });
  },
};

export const countedResources: readonly CountedResource[] = [policy, model];

/** A project of their own, so that nobody who asks depends on them. @param source is made there once more */
export async function makeWrittenProject(client: TesseraClient, source: string): Promise<void> {
  await client.projects.createProject({ projectId: project, project: {} });
  const { connector, config, baseDirectory } = await client.sources.getSource({ name: source });
  const copy = { connector, config, baseDirectory };
  await client.sources.createSource({ parent, sourceId: 'files', source: copy });
  await client.roles.createRole({ roleId: project, role: {} });
}

function policyOf(count: number) {
  return { role: project, source: 'files', table: 'fact', rows: `i > ${count}` };
}

function modelSpecOf(count: number) {
  return {
    fact: { source: 'files', table: 'fact', alias: 'f' },
    dimensions: [{ name: 'txt', column: 'f.txt' }],
    measures: [{ name: `counted_${count}`, aggregate: rowCount }],
  };
}

function numberIn(text: string): number {
  return Number(/\d+/.exec(text)?.[0]);
}

function callOf(signal: AbortSignal | undefined) {
  return signal === undefined ? {} : { signal };
}
