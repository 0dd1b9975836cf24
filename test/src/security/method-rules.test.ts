import { any, type Caller } from '@tessera/access';
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
    expect(ruleOf('/grpc.health.v1.Health/Check')).toBe('public');
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
): Caller {
  const permissions = [{ functions: [name], project, source: any, table: any }];
  return { user: 'u', roles: [{ name: 'r', permissions }], policies: [], revision: 1n };
}

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
