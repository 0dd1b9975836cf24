import { isTesseraError, type TesseraError } from '@tessera/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { diffResources, printDiff } from './diff-resources.ts';
import { parseResources } from './parse-resources.ts';
import { printResources } from './print-resources.ts';
import { type Json, locateViolations, type Resource } from './resource.ts';

const example = `apiVersion: tessera/v1
kind: Model
name: flights
fact: { source: files, table: flights, alias: f }
joins:
  - { table: airports, alias: origin,      on: f.origin = origin.iata,           kind: left }
  - { table: airports, alias: destination, on: f.destination = destination.iata, kind: left }
partition: { column: f.date, grain: month }
dimensions:
  - { name: day,          column: f.date, grain: day }
  - { name: destination_state, column: destination.state, derivedFrom: destination }   # not stored
hierarchies: [[origin_state, origin]]
measures:
  - { name: flights,   aggregate: count }
  - { name: airports,  aggregate: count_distinct, column: f.destination, precision: exact }
---
apiVersion: tessera/v1
kind: Cube
name: flights
model: flights
groups:
  - { include: [day, origin, origin_state, destination], mandatory: [day], maxDimensions: 3 }
planner: { budget: 0.2x }
segments: { every: month, autoMerge: [quarter, year], retain: 10y }
replication: 2
---
apiVersion: tessera/v1
kind: Source
name: files
use: "@tessera/connector-files"
config: { tables: { flights: { path: data/flights-3m.parquet }, airports: { path: data/airports.csv } } }
`;

const resourcesOf = (text: string) =>
  parseResources(text, 'test.yaml').resources.map(({ resource }) => resource);

/** The error that parsing ends in. */
function failureOf(text: string): TesseraError {
  try {
    parseResources(text, 'test.yaml');
  } catch (error) {
    if (isTesseraError(error)) return error;
    throw error;
  }
  throw new Error('the text was accepted');
}

describe('parseResources', () => {
  test('reads several documents and fills in what was left out', () => {
    const [model, cube, source] = resourcesOf(example);
    expect(model).toMatchObject({
      kind: 'Model',
      name: 'flights',
      spec: { fact: { alias: 'f' }, computedColumns: [], dimensions: [{ grain: 'day' }, {}] },
    });
    expect(cube?.spec).toEqual({
      model: 'flights',
      groups: [
        {
          include: ['day', 'origin', 'origin_state', 'destination'],
          mandatory: ['day'],
          joint: [],
          hierarchies: [],
          maxDimensions: 3,
        },
      ],
      planner: { budget: '0.2x' },
      cuboids: [],
      segments: { every: 'month', autoMerge: ['quarter', 'year'], retain: '10y' },
      replication: 2,
    });
    expect(source?.spec).toMatchObject({
      config: { tables: { airports: { path: 'data/airports.csv' } } },
    });
  });

  const model = (fields: string) =>
    `apiVersion: tessera/v1\nkind: Model\nname: m\nfact: { source: s, table: t, alias: f }\n${fields}`;

  test.each([
    { text: 'kind: Cub', at: '1:7 kind', says: 'did you mean Cube' },
    { text: '- 1', at: '1:1 ', says: 'is a map' },
    { text: 'name: x', at: '1:1 kind', says: 'is missing' },
    { text: model('dimension: []'), at: '5:1 dimension', says: 'did you mean dimensions' },
    { text: model('dimensions: 3'), at: '5:13 dimensions', says: 'must be a list, not 3' },
    {
      text: model('dimensions:\n  - { name: a, colum: b }'),
      at: '6:16 dimensions[0].colum',
      says: 'did you mean column',
    },
    {
      text: model('dimensions:\n  - { name: a, column: b, grain: dey }'),
      at: '6:34 dimensions[0].grain',
      says: 'did you mean day',
    },
    {
      text: model('dimensions:\n  - { name: 1a, column: b }'),
      at: '6:13 dimensions[0].name',
      says: 'must be a name',
    },
    { text: model('name: n'), at: '5:1 name', says: 'written twice' },
    { text: model('timeZone: *zone'), at: '5:11 timeZone', says: 'alias' },
    { text: model('dimensions: [a, b'), at: '5:18 ', says: 'Correct the YAML' },
    {
      text: 'apiVersion: tessera/v2\nkind: Project\nname: p',
      at: '1:13 apiVersion',
      says: 'tessera/v1',
    },
    { text: 'apiVersion: tessera/v1\nkind: Project\nname: Big', at: '3:7 name', says: 'a-z' },
    {
      text: 'apiVersion: tessera/v1\nkind: Cube\nname: c\nmodel: m\nplanner: { budget: much }',
      at: '5:20 planner.budget',
      says: '0.2x',
    },
    {
      text: 'apiVersion: tessera/v1\nkind: Cube\nname: c\nmodel: m\nsegments: { retain: long }',
      at: '5:21 segments.retain',
      says: '10y',
    },
    {
      text: 'apiVersion: tessera/v1\nkind: Cube\nname: c\nmodel: m\nreplication: 17',
      at: '5:14 replication',
      says: 'at most 16',
    },
    {
      text: 'apiVersion: tessera/v1\nkind: Source\nname: s\nuse: x\nconfig: { id: 12345678901234567890 }',
      at: '5:15 config.id',
      says: 'in quotes',
    },
  ])('$at $says', ({ text, at, says }) => {
    const { reason, violations } = failureOf(text);
    expect(reason).toBe('RESOURCE_INVALID');
    const found = violations.find(({ field, line, column }) => `${line}:${column} ${field}` === at);
    expect(found?.description, JSON.stringify(violations)).toContain(says);
    expect(found?.file).toBe('test.yaml');
  });

  test('says where YAML breaks off, which is in no field', () => {
    const { message } = failureOf(model('dimensions: [a, b'));
    expect(message).toMatch(/test\.yaml:5:18: [A-Z]/);
  });

  test('reports the faults of all documents at once', () => {
    const { violations } = failureOf(`kind: Cub\n---\nkind: Mode\n---\n${model('measure: []')}`);
    expect(violations.map(({ line }) => line)).toEqual([1, 3, 5, 5, 9]);
  });

  test('one name may stand for a model and a cube, but not for two models', () => {
    const project = 'apiVersion: tessera/v1\nkind: Project\nname: p\n';
    expect(failureOf(`${project}---\n${project}`).violations[0]).toMatchObject({
      line: 7,
      field: 'name',
    });
  });

  test('finds the place of a fault that is only known after parsing', () => {
    const parsed = parseResources(example, 'test.yaml').resources[0]!;
    const places = locateViolations(parsed, [
      { field: 'dimensions[1].derivedFrom', description: 'x' },
      { field: 'dimensions[1].grain', description: 'not written: its dimension' },
      { field: 'timeZone', description: 'not written: the document' },
    ]);
    expect(places.map(({ line, column }) => [line, column])).toEqual([
      [11, 72],
      [11, 5],
      [1, 1],
    ]);
  });

  test.each([
    ['YAML_TOO_LARGE', '#'.repeat(limits.yamlCharacters + 1)],
    ['YAML_TOO_LARGE', `a: [${'1,'.repeat(limits.yamlNodes + 1)}1]`],
    ['YAML_TOO_DEEP', `a: ${'['.repeat(40)}${']'.repeat(40)}`],
    ['YAML_TOO_DEEP', '['.repeat(500_000)],
    ['YAML_TOO_DEEP', '- '.repeat(400_000)],
    ['YAML_ALIASES', bomb()],
  ])('refuses %s before it costs anything', (reason, text) => {
    expect(failureOf(text).reason).toBe(reason);
  });

  test('an anchor that holds itself ends', () => {
    expect(failureOf('a: &x [*x]').reason).toMatch(/^YAML_/);
  });

  test('any text is accepted or refused with a reason and positions, never anything else', () => {
    const pieces = fc.constantFrom(
      ...[
        'a',
        ':',
        ' ',
        '\n',
        '-',
        '- ',
        '{',
        '}',
        '[',
        ']',
        '"',
        "'",
        '&x',
        '*x',
        '|',
        '>',
        '#',
        '!!int',
      ],
      ...[
        'kind: Model\n',
        'apiVersion: tessera/v1\n',
        'name: m\n',
        '---\n',
        '...\n',
        '%YAML 1.1\n',
        '<<: ',
        '? ',
      ],
      ...[
        '__proto__',
        'constructor',
        'null',
        '~',
        '.inf',
        '0x1f',
        '\t',
        '\r',
        '\u0000',
        '\ufeff',
        '💥',
      ],
    );
    const mutated = fc
      .tuple(
        fc.nat({ max: example.length }),
        fc.nat({ max: 20 }),
        fc.array(pieces, { maxLength: 5 }),
      )
      .map(([at, cut, put]) => example.slice(0, at) + put.join('') + example.slice(at + cut));
    const texts = fc.oneof(
      fc.array(pieces, { maxLength: 40 }).map((list) => list.join('')),
      fc.string(),
      mutated,
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseResources(text, 'test.yaml');
        } catch (error) {
          if (!isTesseraError(error)) throw error;
          expect(error.reason).toMatch(/^(RESOURCE_INVALID|YAML_)/);
          for (const violation of error.violations) {
            expect(violation.line).toBeGreaterThan(0);
            expect(violation.column).toBeGreaterThan(0);
            expect(violation.description).not.toBe('');
          }
        }
      }),
      { numRuns: 3000, seed: 31 },
    );
  });
});

function bomb(): string {
  const lines = ['a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'];
  for (let i = 1; i < 9; i++) {
    lines.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`);
  }
  return lines.join('\n');
}

const identifier = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
const id = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,8}$/);
const tricky = fc.constantFrom(
  'yes',
  '1',
  '1.5',
  'null',
  '~',
  "it's",
  '"q"',
  'a: b',
  '# no',
  ' x ',
  '💥',
  '- a',
  'a\nb',
  "f.x = 'a, b}'",
  '2001-01-01',
);
const text = fc.oneof(tricky, fc.string({ minLength: 1, maxLength: 30 }));
const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 3 });
const grain = fc.constantFrom('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year');
const record = <T extends object, O extends object>(
  required: { [K in keyof T]: fc.Arbitrary<T[K]> },
  other: { [K in keyof O]: fc.Arbitrary<O[K]> },
) =>
  fc
    .tuple(fc.record(required), fc.record(other, { requiredKeys: [] }))
    .map(([a, b]) => ({ ...a, ...b }));

const model = record(
  {
    fact: fc.record({ source: id, table: text, alias: identifier }),
    joins: list(
      record(
        { table: text, alias: identifier, on: text, kind: fc.constantFrom('left', 'inner') },
        { source: id },
      ),
    ),
    dimensions: fc.array(
      record({ name: identifier, column: text }, { grain, derivedFrom: identifier }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    hierarchies: list(list(identifier)),
    computedColumns: list(fc.record({ name: identifier, expression: text })),
    measures: fc.array(
      record(
        { name: identifier, aggregate: fc.constantFrom('count', 'sum', 'count_distinct') },
        { column: text, filter: text, precision: fc.constant('exact') },
      ),
      { minLength: 1, maxLength: 3 },
    ),
  },
  {
    partition: record({ column: text, grain }, { format: text }),
    freshness: fc.constantFrom('strict', 'built'),
    timeZone: text,
  },
);
const cube = record(
  {
    model: id,
    groups: list(
      record(
        {
          include: fc.array(identifier, { minLength: 1, maxLength: 3 }),
          mandatory: list(identifier),
          joint: list(list(identifier)),
          hierarchies: list(list(identifier)),
        },
        {
          maxDimensions: fc.integer({ min: 1, max: 9 }),
          measures: fc.array(identifier, { minLength: 1, maxLength: 2 }),
        },
      ),
    ),
    cuboids: list(list(identifier)),
    segments: record(
      { autoMerge: list(grain) },
      { every: grain, retain: fc.constantFrom('10y', '90d') },
    ),
  },
  {
    planner: fc.record({ budget: fc.constantFrom('0.2x', '512MB') }),
    replication: fc.integer({ min: 1, max: 16 }),
  },
);
const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Json>(null, true, false, 0, -1, 1.5, 1 / 7, {}, []),
    text,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;
const source = fc.record({
  use: text,
  config: fc.dictionary(text, json, { maxKeys: 3, noNullPrototype: true }),
});
const resource = fc.oneof(
  fc.record({ kind: fc.constant('Model'), name: id, spec: model }),
  fc.record({ kind: fc.constant('Cube'), name: id, spec: cube }),
  fc.record({ kind: fc.constant('Source'), name: id, spec: source }),
  fc.record({
    kind: fc.constant('Project'),
    name: id,
    spec: fc.record({ description: text }, { requiredKeys: [] }),
  }),
) as fc.Arbitrary<Resource>;
const resources = fc.uniqueArray(resource, {
  maxLength: 4,
  selector: ({ kind, name }) => `${kind} ${name}`,
});

describe('printResources', () => {
  test('is read back as exactly the same, and as no difference', () => {
    fc.assert(
      fc.property(resources, (given) => {
        const back = resourcesOf(printResources(given));
        expect(back).toEqual(given);
        expect(diffResources(given, back)).toEqual([]);
        expect(printResources(back)).toBe(printResources(given));
      }),
      { numRuns: 1000, seed: 32 },
    );
  });

  test('reads like what people write', () => {
    const printed = printResources(resourcesOf(example));
    expect(printed).toContain('  - { name: day, column: f.date, grain: day }\n');
    expect(printed).not.toContain('computedColumns');
  });
});

describe('diffResources', () => {
  const change = (edit: (text: string) => string) =>
    printDiff(diffResources(resourcesOf(example), resourcesOf(edit(example))));

  test('tells entries of a list by their name', () => {
    const text = change((yaml) =>
      yaml
        .replace('grain: day }', 'grain: week }')
        .replace(
          / {2}- \{ name: airports.*\n/,
          '  - { name: delay, aggregate: sum, column: f.delay }\n',
        )
        .replace('maxDimensions: 3', 'maxDimensions: 2'),
    );
    expect(text.split('\n')).toEqual(
      [
        '~ Cube flights',
        expect.stringContaining('~ groups: '),
        '~ Model flights',
        '    ~ dimensions[day].grain: day → week',
        expect.stringContaining('- measures[airports]: '),
        expect.stringContaining('+ measures[delay]: '),
      ].map((line) => (typeof line === 'string' ? line : expect.anything())),
    );
    expect(text).toContain('- measures[airports]: {');
    expect(text).toContain('+ measures[delay]: {');
  });

  test('the order of fields, of resources and of defaults written out is no difference', () => {
    const documents = example.split('---\n');
    expect(change(() => documents.toReversed().join('---\n'))).toBe('');
    expect(
      change((yaml) =>
        yaml.replace('name: flights\nfact', 'computedColumns: []\nname: flights\nfact'),
      ),
    ).toBe('');
  });

  test('a resource that comes or goes is one line', () => {
    expect(change((yaml) => yaml.replaceAll('name: files', 'name: other'))).toBe(
      '- Source files\n+ Source other',
    );
  });
});
