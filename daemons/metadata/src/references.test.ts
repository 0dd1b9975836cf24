import { isTesseraError } from '@tessera/base';
import { metadata } from '@tessera/proto';
import { expectReason } from '@tessera/testkit/contracts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  cube,
  cubeSpec,
  type Fixture,
  modelSpec,
  project,
  seed,
  segment,
  startFixture,
} from './fixture.ts';
import { checkCube } from './rules/check-cube.ts';
import { checkModel } from './rules/check-model.ts';

describe('what is referred to', () => {
  let fixture: Fixture;
  beforeEach(async () => {
    fixture = await startFixture();
    await seed(fixture.clients);
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  test('must be there', async () => {
    const { sources, models, cubes, segments } = fixture.clients;
    const parent = project;
    const elsewhere = { parent: 'projects/none' };
    const source = { connector: 'c' };
    await expectReason(
      sources.createSource({ ...elsewhere, sourceId: 's', source }),
      'PROJECT_NOT_FOUND',
    );
    const fact = { source: 'none', table: 't', alias: 'f' };
    const model = { spec: modelSpec({ fact }) };
    await expectReason(models.createModel({ parent, modelId: 'm', model }), 'SOURCE_NOT_FOUND');
    const spec = cubeSpec({ model: 'none' });
    await expectReason(
      cubes.createCube({ parent, cubeId: 'c', cube: { spec } }),
      'MODEL_NOT_FOUND',
    );
    await expectReason(
      segments.createSegment({
        parent: `${parent}/cubes/none`,
        segmentId: 's',
        segment: segment('s', 0, 1),
      }),
      'CUBE_NOT_FOUND',
    );
    const withSnapshot = { ...segment('s', 0, 1), snapshots: { origin: 'none' } };
    await expectReason(
      segments.publishSegments({ parent: cube, segments: [withSnapshot] }),
      'SNAPSHOT_NOT_FOUND',
    );
  });

  test('stays until its users are gone, and the error names them', async () => {
    const { projects, sources, models, cubes, segments, snapshots } = fixture.clients;
    await snapshots.createSnapshot({ parent: project, snapshotId: 'airports-1', snapshot: {} });
    const used = {
      ...segment('a', 0, 1),
      snapshots: { origin: 'airports-1', destination: 'airports-1' },
    };
    const {
      segments: [made],
    } = await segments.publishSegments({ parent: cube, segments: [used] });

    await expectReason(projects.deleteProject({ name: project }), 'PROJECT_NOT_EMPTY');
    await expectReason(sources.deleteSource({ name: `${project}/sources/files` }), 'SOURCE_IN_USE');
    const refused = await models
      .deleteModel({ name: `${project}/models/flights` })
      .catch((error) => error);
    expect(isTesseraError(refused, 'MODEL_IN_USE') && refused.metadata['users']).toBe(cube);
    const held = await cubes.deleteCube({ name: cube }).catch((error) => error);
    expect(isTesseraError(held, 'CUBE_NOT_EMPTY') && held.message).toContain(
      'tessera segments drop',
    );
    const snapshot = { name: `${project}/snapshots/airports-1` };
    await expectReason(snapshots.deleteSnapshot(snapshot), 'SNAPSHOT_IN_USE');

    await segments.publishSegments({
      parent: cube,
      retire: [{ name: made!.name, etag: made!.etag }],
    });
    await snapshots.deleteSnapshot(snapshot);
    await cubes.deleteCube({ name: cube, force: true });
    expect((await segments.listSegments({ parent: cube })).segments).toEqual([]);
    await models.deleteModel({ name: `${project}/models/flights` });
    await sources.deleteSource({ name: `${project}/sources/files` });
    await projects.deleteProject({ name: project });
    const { keyCount } = await fixture.clients.maintenance.getStoreStatus({});
    expect(keyCount).toBe(1n); // Nothing is left behind but the installation's record.
  });

  test('a model does not lose a dimension that a cube keeps', async () => {
    const { models } = fixture.clients;
    const name = `${project}/models/flights`;
    const dimensions = modelSpec().dimensions.filter((dimension) => dimension.name !== 'day');
    await expectReason(
      models.updateModel({ model: { name, spec: modelSpec({ dimensions }) } }),
      'MODEL_IN_USE',
    );
    await models.updateModel({ model: { name, spec: modelSpec({ hierarchies: [] }) } });
  });

  test('a deletion and new users at the same time never leave a user without its model', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { minLength: 2, maxLength: 6 }), async (order) => {
        const { models, cubes } = fixture.clients;
        await models.updateModel({
          model: { name: `${project}/models/shared`, spec: modelSpec() },
          allowMissing: true,
        });
        const spec = cubeSpec({ model: 'shared' });
        const outcomes = await Promise.allSettled(
          order.map(async (delay, i) => {
            for (let turn = 0; turn < delay; turn++) await Promise.resolve();
            if (i % 2 === 0) return models.deleteModel({ name: `${project}/models/shared` });
            return cubes.createCube({ parent: project, cubeId: `c${i}`, cube: { spec } });
          }),
        );
        const model = await models.listModels({ parent: project });
        const { cubes: made } = await cubes.listCubes({ parent: project });
        const users = made.filter((one) => one.spec?.model === 'shared');
        const there = model.models.some((one) => one.name === `${project}/models/shared`);
        expect(users.length === 0 || there).toBe(true);
        expect(outcomes.some(({ status }) => status === 'fulfilled')).toBe(true);
        for (const user of users) await cubes.deleteCube({ name: user.name });
      }),
      { numRuns: 40, seed: 11 },
    );
  });
});

describe('a spec', () => {
  const dimension = metadata.DimensionSpec.fromPartial;

  test.each([
    ['no fact', { fact: undefined }, 'fact'],
    [
      'an alias twice',
      { joins: [{ ...modelSpec().joins[0]!, alias: 'f', on: 'f.a = f.b' }] },
      'joins[0].alias',
    ],
    [
      'a join with a table that comes later',
      {
        joins: [
          { ...modelSpec().joins[0]!, on: 'origin.a = destination.b' },
          modelSpec().joins[1]!,
        ],
      },
      'joins[0].on',
    ],
    [
      'a join that is no equation',
      { joins: [{ ...modelSpec().joins[0]!, on: 'f.origin > origin.iata' }] },
      'joins[0].on',
    ],
    [
      'a dimension twice',
      { dimensions: [...modelSpec().dimensions, dimension({ name: 'day', column: 'f.x' })] },
      'dimensions[3]',
    ],
    [
      'a dimension derived from nothing',
      { dimensions: [dimension({ name: 'a', column: 'f.a', derivedFrom: 'b' })], hierarchies: [] },
      'dimensions[0].derivedFrom',
    ],
    [
      'dimensions derived in a circle',
      {
        dimensions: [
          dimension({ name: 'a', column: 'f.a', derivedFrom: 'b' }),
          dimension({ name: 'b', column: 'f.b', derivedFrom: 'a' }),
        ],
        hierarchies: [],
      },
      'dimensions[0].derivedFrom',
    ],
    [
      'a hierarchy of what is not there',
      { hierarchies: [{ names: ['origin', 'city'] }] },
      'hierarchies[0][1]',
    ],
    [
      'a sum of nothing',
      { measures: [metadata.MeasureSpec.fromPartial({ name: 's', aggregate: 2 })] },
      'measures[0].column',
    ],
  ] as const)('of a model with %s is refused at its place', (_, changes, field) => {
    const faults = checkModel(modelSpec(changes as Partial<metadata.ModelSpec>));
    expect(faults.map((fault) => fault.field)).toContain(field);
  });

  test('that is right has no fault', () => {
    expect(checkModel(modelSpec())).toEqual([]);
    expect(checkCube(cubeSpec(), modelSpec())).toEqual([]);
  });

  test.each([
    ['an unknown dimension', { groups: [{ include: ['days'] }] }, 'groups[0].include[0]'],
    [
      'a mandatory dimension that is not included',
      { groups: [{ include: ['day'], mandatory: ['origin'] }] },
      'groups[0].mandatory[0]',
    ],
    [
      'room for less than is mandatory',
      { groups: [{ include: ['day'], mandatory: ['day'], maxDimensions: 0 }] },
      'groups[0].maxDimensions',
    ],
    ['no cuboid at all', { groups: [] }, 'groups'],
  ] as const)('of a cube with %s is refused at its place', (_, changes, field) => {
    const spec = metadata.CubeSpec.fromPartial({ ...cubeSpec(), ...changes });
    expect(checkCube(spec, modelSpec()).map((fault) => fault.field)).toContain(field);
  });

  test('names what was probably meant', () => {
    const spec = metadata.CubeSpec.fromPartial({ ...cubeSpec(), groups: [{ include: ['orign'] }] });
    expect(checkCube(spec, modelSpec())[0]?.description).toContain('"origin"');
  });
});
