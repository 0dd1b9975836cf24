import type { metadata } from '@tessera/proto';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  collectUntil,
  cubeSpec,
  type Fixture,
  modelSpec,
  project,
  seed,
  startFixture,
} from './fixture.ts';

describe.each(['in process', 'gRPC'] as const)('resources, bound %s', (binding) => {
  let fixture: Fixture;
  beforeEach(async () => {
    fixture = await startFixture(binding);
    await seed(fixture.clients);
  });
  afterEach(() => fixture[Symbol.asyncDispose]());
  const name = `${project}/models/flights`;

  test('a created resource is read back with what the daemon added', async () => {
    const { models } = fixture.clients;
    const model = await models.getModel({ name });
    expect(model).toMatchObject({ name, version: 1n, spec: modelSpec() });
    expect(model.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(model.etag).toBe(`${model.revision}`);
    expect(model.createTime).toEqual(model.updateTime);
  });

  test('a create is refused when the name is taken, and repeated when the request is the same', async () => {
    const { models } = fixture.clients;
    const request = { parent: project, modelId: 'twice', model: { spec: modelSpec() } };
    const requestId = '0d1f7c1c-7a37-4cc3-9c6c-8d1df33a1f00';
    const first = await models.createModel({ ...request, requestId });
    await models.updateModel({
      model: { name: first.name, spec: modelSpec({ hierarchies: [] }) },
    });
    expect(await models.createModel({ ...request, requestId })).toEqual(first);
    await expectReason(models.createModel(request), 'MODEL_EXISTS');
    await expectReason(
      models.createModel({ ...request, modelId: 'other', requestId }),
      'REQUEST_ID_REUSED',
    );
  });

  test('ten creates of one request at once make one resource', async () => {
    const { models } = fixture.clients;
    const request = {
      parent: project,
      modelId: 'once',
      model: { spec: modelSpec() },
      requestId: '4d6b3d26-36ff-4e59-b9ea-44ce0a2efd49',
    };
    const made = await Promise.all(Array.from({ length: 10 }, () => models.createModel(request)));
    expect(new Set(made.map(({ uid }) => uid)).size).toBe(1);
  });

  test('an update is made once however often the request is sent, also when others have written since', async () => {
    const { models } = fixture.clients;
    const { etag } = await models.getModel({ name });
    const model = { name, etag, spec: modelSpec({ timeZone: 'Europe/Berlin' }) };
    const request = { model, requestId: 'update-1' };
    const [first, ...others] = await Promise.all(
      Array.from({ length: 5 }, () => models.updateModel(request)),
    );
    expect(first).toMatchObject({ version: 2n, spec: { timeZone: 'Europe/Berlin' } });
    for (const other of others) expect(other).toEqual(first);
    await models.updateModel({ model: { name, spec: modelSpec({ timeZone: 'Asia/Tokyo' }) } });
    expect(await models.updateModel(request)).toEqual(first);
    expect(await models.getModel({ name })).toMatchObject({ version: 3n });
    await expectReason(
      models.updateModel({ model: { name: `${project}/models/other` }, requestId: 'update-1' }),
      'REQUEST_ID_REUSED',
    );
  });

  test('a deletion that is sent again does not delete what was created since', async () => {
    const { sources } = fixture.clients;
    const create = { parent: project, sourceId: 'again', source: { connector: 'c' } };
    const { name: source } = await sources.createSource(create);
    const request = { name: source, requestId: 'delete-1' };
    await sources.deleteSource(request);
    await sources.deleteSource(request);
    await sources.createSource(create);
    await sources.deleteSource(request);
    expect(await sources.getSource({ name: source })).toMatchObject({ connector: 'c' });
  });

  test('a journal entry that is sent again is the one that was written', async () => {
    const { operationRecords } = fixture.clients;
    const record = { operationRecordId: 'op', operationRecord: {} };
    await operationRecords.createOperationRecord(record);
    const journalEntry = { name: 'operations/op/journal/step' };
    const request = { journalEntry, requestId: 'entry-1' };
    const first = await operationRecords.writeJournalEntry(request);
    expect(await operationRecords.writeJournalEntry(request)).toEqual(first);
    await expectReason(
      operationRecords.writeJournalEntry({ journalEntry }),
      'JOURNAL_ENTRY_EXISTS',
    );
  });

  test('an update with an old etag is refused, one without an etag goes through', async () => {
    const { models } = fixture.clients;
    const { etag } = await models.getModel({ name });
    const changed = await models.updateModel({
      model: { name, etag, spec: modelSpec({ timeZone: 'Europe/Berlin' }) },
    });
    expect(changed).toMatchObject({ version: 2n, spec: { timeZone: 'Europe/Berlin' } });
    const stale = { name, etag, spec: modelSpec({ timeZone: 'Asia/Tokyo' }) };
    await expectReason(models.updateModel({ model: stale }), 'ETAG_MISMATCH');
    await models.updateModel({ model: { ...stale, etag: '' } });
    expect((await models.getModel({ name })).version).toBe(3n);
  });

  test('writing what is there already changes nothing', async () => {
    const { models } = fixture.clients;
    const before = await models.getModel({ name });
    expect(await models.updateModel({ model: { name, spec: modelSpec() } })).toEqual(before);
    expect(await models.getModel({ name })).toEqual(before);
  });

  test('a mask names what is written, and only what may be', async () => {
    const { sources } = fixture.clients;
    const source = { name: `${project}/sources/files`, connector: 'other', baseDirectory: '/data' };
    const changed = await sources.updateSource({ source, updateMask: ['base_directory'] });
    expect(changed).toMatchObject({
      connector: '@tessera/connector-files',
      baseDirectory: '/data',
    });
    await expectReason(
      sources.updateSource({ source, updateMask: ['create_time'] }),
      'BAD_REQUEST',
    );
  });

  test('an update of the spec by a person leaves the plan of the scheduler alone', async () => {
    const { cubes } = fixture.clients;
    const cube = { name: `${project}/cubes/flights` };
    const plan = { cuboids: [{ names: ['day'] }], modelVersion: 1n };
    await cubes.updateCube({ cube: { ...cube, plan }, updateMask: ['plan'] });
    const spec = cubeSpec({ cuboids: [{ names: ['origin'] }] });
    const changed = await cubes.updateCube({ cube: { ...cube, spec } });
    expect(changed).toMatchObject({ plan, spec });
  });

  test('validate_only says what is wrong and writes nothing', async () => {
    const { models } = fixture.clients;
    const request = { parent: project, modelId: 'tried', validateOnly: true };
    await models.createModel({ ...request, model: { spec: modelSpec() } });
    await expectReason(models.getModel({ name: `${project}/models/tried` }), 'MODEL_NOT_FOUND');
    const taken = { ...request, modelId: 'flights', model: { spec: modelSpec() } };
    await expectReason(models.createModel(taken), 'MODEL_EXISTS');
  });

  test('allow_missing creates on update and ignores on delete', async () => {
    const { models } = fixture.clients;
    const model = { name: `${project}/models/new`, spec: modelSpec() };
    await expectReason(models.updateModel({ model }), 'MODEL_NOT_FOUND');
    expect((await models.updateModel({ model, allowMissing: true })).version).toBe(1n);
    await models.deleteModel({ name: model.name });
    await models.deleteModel({ name: model.name, allowMissing: true });
    await expectReason(models.deleteModel({ name: model.name }), 'MODEL_NOT_FOUND');
  });

  test('pages are one view at one revision, and a token belongs to its request', async () => {
    const { projects } = fixture.clients;
    for (let i = 0; i < 7; i++) await projects.createProject({ projectId: `p${i}` });
    const first = await projects.listProjects({ pageSize: 3 });
    await projects.deleteProject({ name: 'projects/p4' });
    await projects.createProject({ projectId: 'p3a' });
    const names = first.projects.map((one) => one.name);
    let token = first.nextPageToken;
    while (token !== '') {
      const page = await projects.listProjects({ pageSize: 3, pageToken: token });
      expect(page.revision).toBe(first.revision);
      names.push(...page.projects.map((one) => one.name));
      token = page.nextPageToken;
    }
    expect(names).toEqual([project, ...[0, 1, 2, 3, 4, 5, 6].map((i) => `projects/p${i}`)]);
    const pageToken = first.nextPageToken;
    await expectReason(
      fixture.clients.models.listModels({ parent: project, pageToken }),
      'BAD_PAGE_TOKEN',
    );
  });

  test('a dash in the parent stands for any project', async () => {
    const { projects, sources } = fixture.clients;
    await projects.createProject({ projectId: 'other' });
    const source = { connector: '@tessera/connector-files' };
    await sources.createSource({ parent: 'projects/other', sourceId: 'more', source });
    const listed = await sources.listSources({ parent: 'projects/-' });
    expect(listed.sources.map((one) => one.name)).toEqual([
      `${project}/sources/files`,
      'projects/other/sources/more',
    ]);
  });

  test('a watch from a list on misses nothing, and marks each revision', async () => {
    const { models } = fixture.clients;
    const listed = await models.listModels({ parent: project });
    const startRevision = listed.revision + 1n;
    const events = models.watchModels({ parent: project, startRevision });
    const changed = await models.updateModel({
      model: { name, spec: modelSpec({ timeZone: 'UTC' }) },
    });
    const model = { spec: modelSpec() };
    const created = await models.createModel({ parent: project, modelId: 'b', model });
    await models.deleteModel({ name: created.name });
    const seen = await collectUntil(events, created.revision + 1n);
    expect(seen).toEqual([
      { event: { $case: 'put', value: changed }, revision: changed.revision },
      { event: { $case: 'put', value: created }, revision: created.revision },
      { event: { $case: 'deletedName', value: created.name }, revision: created.revision + 1n },
    ]);
  });

  test('a watch from a compacted revision is refused, and a new list goes on', async () => {
    const { models, maintenance } = fixture.clients;
    const { revision } = await models.listModels({ parent: project });
    await models.updateModel({ model: { name, spec: modelSpec({ timeZone: 'UTC' }) } });
    const { compactedRevision } = await maintenance.compactRevisions({});
    expect(compactedRevision).toBe(revision + 1n);
    const late = models.watchModels({ parent: project, startRevision: revision - 1n });
    await expectReason(collectUntil(late, compactedRevision), 'REVISION_COMPACTED');
    const again = await models.listModels({ parent: project });
    const next = models.watchModels({ parent: project, startRevision: again.revision + 1n });
    const changed = await models.updateModel({ model: { name, spec: modelSpec() } });
    expect(await collectUntil(next, changed.revision)).toHaveLength(1);
  });

  test('every version of a model is kept, and can be made the newest again', async () => {
    const { models } = fixture.clients;
    const zones = ['UTC', 'Europe/Berlin', 'Asia/Tokyo'];
    for (const timeZone of zones)
      await models.updateModel({ model: { name, spec: modelSpec({ timeZone }) } });
    expect((await models.getModel({ name, version: 2n })).spec?.timeZone).toBe('UTC');
    await expectReason(models.getModel({ name, version: 9n }), 'MODEL_VERSION_UNKNOWN');
    const back = await models.rollbackModel({ name, version: 3n });
    expect(back).toMatchObject({ version: 5n, spec: { timeZone: 'Europe/Berlin' } });
    const listed: metadata.Model[] = [];
    for (let pageToken = ''; ; ) {
      const page = await models.listModelVersions({ name, pageSize: 2, pageToken });
      listed.push(...page.models);
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(listed.map((one) => [one.version, one.spec?.timeZone])).toEqual([
      [5n, 'Europe/Berlin'],
      [4n, 'Asia/Tokyo'],
      [3n, 'Europe/Berlin'],
      [2n, 'UTC'],
      [1n, ''],
    ]);
  });

  test('a bad name or id is refused', async () => {
    const { models, projects } = fixture.clients;
    await expectReason(models.getModel({ name: 'models/flights' }), 'BAD_RESOURCE_NAME');
    await expectReason(projects.createProject({ projectId: 'Upper' }), 'BAD_RESOURCE_NAME');
    await expectReason(projects.listProjects({ pageSize: -1 }), 'BAD_REQUEST');
    await expectReason(projects.listProjects({ pageToken: 'xyz' }), 'BAD_PAGE_TOKEN');
  });
});
