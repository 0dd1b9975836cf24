import { any, type Identity, type ServiceKind, serviceKinds } from '@tessera/access';
import { services } from '@tessera/client';
import { refusalOf, ruleOf } from '@tessera/daemon';
import { describe, expect, test } from 'vitest';

interface Definition {
  readonly fullName: string;
  readonly methods: Readonly<Record<string, { readonly name: string }>>;
}

const paths = Object.values(services as unknown as Record<string, Definition>).flatMap(
  ({ fullName, methods }) => Object.values(methods).map(({ name }) => `/${fullName}/${name}`),
);

describe('the table of what methods need', () => {
  test.each(paths)('has %s', (path) => {
    expect(ruleOf(path)).toBeDefined();
  });

  test('lets nobody in without a token, except to sign in and to ask for health', () => {
    const open = paths.filter((path) => refusalOf(ruleOf(path), undefined, {}, path) === undefined);
    expect(open).toEqual(['/tessera.access.v1.AuthenticationService/Login']);
    expect(ruleOf('/grpc.health.v1.Health/Check')?.users).toBe('public');
  });

  test('denies what is not in it', () => {
    for (const path of [
      '/tessera.metadata.v1.ModelService/New',
      '/x.Y/Z',
      '',
      '/constructor/name',
    ]) {
      expect(refusalOf(ruleOf(path), callerWith('query', any), {}, path)?.reason).toBe(
        'PERMISSION_DENIED',
      );
    }
  });
});

function callerWith(
  name: 'query' | 'model' | 'build' | 'operate' | 'administer',
  project: string,
): Identity {
  const permissions = [{ functions: [name], project, source: any, table: any }];
  const roles = [{ name: 'r', permissions }];
  return { kind: 'user', caller: { user: 'u', roles, policies: [], revision: 1n } };
}

/** What a daemon of the kind may call. */
function callableBy(kind: ServiceKind): readonly string[] {
  const identity: Identity = { kind: 'service', name: 'd', services: [kind] };
  return paths.filter((path) => refusalOf(ruleOf(path), identity, {}, path) === undefined);
}

describe('what is between daemons', () => {
  const everything = ['query', 'model', 'build', 'operate', 'administer'] as const;
  const permissions = [{ functions: everything, project: any, source: any, table: any }];
  const admin: Identity = {
    kind: 'user',
    caller: { user: 'admin', roles: [{ name: 'r', permissions }], policies: [], revision: 1n },
  };
  const storage = '/tessera.storage.v1.StorageService/';
  const segments = '/tessera.metadata.v1.SegmentService/';

  test.each([
    { path: `${storage}ScanCuboid`, callers: ['scheduler', 'query'] },
    { path: `${storage}ReadSnapshot`, callers: ['scheduler', 'query'] },
    { path: `${storage}CommitIngest`, callers: ['scheduler'] },
    { path: `${storage}DropLayouts`, callers: ['scheduler'] },
    { path: `${segments}PublishSegments`, callers: ['scheduler'] },
    { path: `${segments}CreateSegment`, callers: ['scheduler'] },
    { path: `${segments}UpdateSegment`, callers: ['scheduler'] },
    { path: `${segments}DeleteSegment`, callers: ['scheduler'] },
    { path: '/tessera.access.v1.AuthenticationService/ResolveToken', callers: serviceKinds },
  ])('$path is refused to every user, and open to $callers', ({ path, callers }) => {
    expect(refusalOf(ruleOf(path), admin, {}, path)?.reason).toBe('SERVICES_ONLY');
    expect(serviceKinds.filter((kind) => callableBy(kind).includes(path))).toEqual(callers);
  });

  test.each(serviceKinds)('a %s daemon neither reads secrets nor makes users', (kind) => {
    const forbidden =
      /access.*(Create|Update|Delete|Set|Revoke|Users|GetUser)|Backup|Query\/Execute/;
    expect(callableBy(kind).filter((path) => forbidden.test(path))).toEqual([]);
  });

  test('a storage daemon changes nothing of the catalog but where it is itself', () => {
    const changes = callableBy('storage').filter((path) =>
      /metadata.*\/(Create|Update|Delete|Publish|Write|Restore|Rollback)/.test(path),
    );
    const nodes = '/tessera.metadata.v1.StorageNodeService/';
    expect(changes).toEqual([`${nodes}CreateStorageNode`, `${nodes}UpdateStorageNode`]);
  });
});

describe('a permission for one project', () => {
  const model = '/tessera.metadata.v1.ModelService/';
  test.each([
    { method: `${model}GetModel`, request: { name: 'projects/own/models/m' }, allowed: true },
    { method: `${model}GetModel`, request: { name: 'projects/other/models/m' }, allowed: false },
    { method: `${model}ListModels`, request: { parent: 'projects/own' }, allowed: true },
    { method: `${model}ListModels`, request: { parent: 'projects/-' }, allowed: false },
    { method: `${model}ListModels`, request: { parent: '' }, allowed: false },
    {
      method: `${model}UpdateModel`,
      request: { model: { name: 'projects/own/models/m' } },
      allowed: true,
    },
    {
      method: `${model}UpdateModel`,
      request: { model: { name: 'projects/other/models/m' } },
      allowed: false,
    },
    {
      method: `${model}CreateModel`,
      request: { parent: 'projects/own', model: { name: 'projects/other/models/m' } },
      allowed: false,
    },
    { method: `${model}UpdateModel`, request: {}, allowed: false },
  ])('$method with $request: $allowed', ({ method, request, allowed }) => {
    const refusal = refusalOf(ruleOf(method), callerWith('model', 'own'), request, method);
    expect(refusal === undefined).toBe(allowed);
    const wrong = refusalOf(ruleOf(method), callerWith('query', 'own'), request, method);
    expect(wrong?.reason).toBe('PERMISSION_DENIED');
  });

  test.each(['Create', 'Update', 'Delete'])(
    '%s of a source needs to administer everything',
    (verb) => {
      const method = `/tessera.metadata.v1.SourceService/${verb}Source`;
      const name = 'projects/own/sources/s';
      const request = { parent: 'projects/own', name, source: { name } };
      const refusalFor = (identity: Identity) =>
        refusalOf(ruleOf(method), identity, request, method);
      for (const one of ['query', 'model', 'build', 'operate'] as const) {
        expect(refusalFor(callerWith(one, any))?.reason).toBe('PERMISSION_DENIED');
      }
      expect(refusalFor(callerWith('administer', 'own'))?.reason).toBe('PERMISSION_DENIED');
      expect(refusalFor(callerWith('administer', any))).toBeUndefined();
    },
  );

  test.each([
    { project: 'projects/own', allowed: true },
    { project: 'projects/other', allowed: false },
    { project: '', allowed: false },
    { project: 'projects/-', allowed: false },
  ])('a statement in $project: $allowed', ({ project, allowed }) => {
    const path = '/tessera.query.v1.QueryService/ExecuteQuery';
    const refusal = refusalOf(ruleOf(path), callerWith('query', 'own'), { project }, path);
    expect(refusal === undefined).toBe(allowed);
  });
});
