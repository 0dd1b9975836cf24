import { describe, expect, test } from 'vitest';
import { parseResources } from './parse-resources.ts';
import { printResources } from './print-resources.ts';

const text = `apiVersion: tessera/v1
kind: Role
name: reader
permissions:
  - { functions: [query], project: default, source: hr, table: "Staff List" }
  - { functions: [model, build], project: "*", source: "*", table: "*" }
---
apiVersion: tessera/v1
kind: Policy
name: own-team
role: reader
source: hr
table: Staff List
rows: team = 'red'
columns: { pay: hidden, name: { mask: "left(name, 1)" }, phone: masked, team: visible }
---
apiVersion: tessera/v1
kind: Group
name: readers
roles: [reader]
---
apiVersion: tessera/v1
kind: User
name: ann
groups: [readers]
`;
const resourcesOf = (yaml: string) =>
  parseResources(yaml, 'access.yaml').resources.map(({ resource }) => resource);

describe('resources of access', () => {
  test('come out of YAML as they went in', () => {
    const resources = resourcesOf(text);
    expect(resources.map(({ kind }) => kind)).toEqual(['Role', 'Policy', 'Group', 'User']);
    expect(resources[3]).toMatchObject({
      spec: { roles: [], groups: ['readers'], disabled: false },
    });
    expect(resourcesOf(printResources(resources))).toEqual(resources);
  });

  test.each([
    { why: 'a permission without its table', from: ', table: "Staff List" }', to: ' }', line: 5 },
    { why: 'an unknown function', from: '[query]', to: '[read]', line: 5 },
    { why: 'an unknown visibility', from: 'pay: hidden', to: 'pay: gone', line: 15 },
    { why: 'a password', from: 'groups: [readers]', to: 'password: secret', line: 25 },
  ])('say where they are wrong: $why', ({ from, to, line }) => {
    expect(() => resourcesOf(text.replace(from, to))).toThrowError(
      expect.objectContaining({
        reason: 'RESOURCE_INVALID',
        violations: expect.arrayContaining([expect.objectContaining({ line })]),
      }),
    );
  });
});
