import { z } from 'zod';
import { limits } from '../limits.ts';
import type { Grain, MeasureAggregate } from '../model-spec.ts';
import { parseRetention } from '../time/retention.ts';
import type { AccessFunctionWord, ColumnWord } from './access-resource.ts';
import { deployment } from './deployment-schema.ts';
import { flinkCluster, flinkJob } from './flink-schema.ts';
import { atMost, header, resourceId, text } from './schema-parts.ts';

/** The shape of each resource, as users write it: strict, with defaults filled in. */
const grain = z.enum([
  'minute',
  'hour',
  'day',
  'week',
  'month',
  'quarter',
  'year',
] satisfies Grain[]);
const aggregate = z.enum([
  'count',
  'sum',
  'min',
  'max',
  'avg',
  'stddev_samp',
  'stddev_pop',
  'var_samp',
  'var_pop',
  'count_distinct',
] satisfies MeasureAggregate[]);

const expression = text.max(
  limits.expressionCharacters,
  `must not be longer than ${limits.expressionCharacters} characters`,
);
/** A name that SQL can use without quotes. */
const identifier = text.regex(
  /^[A-Za-z_][A-Za-z0-9_]{0,62}$/,
  'must be a name of letters, digits and _, at most 63, not beginning with a digit',
);
const names = z
  .array(identifier)
  .max(limits.dimensions, `must not be longer than ${limits.dimensions}`);

const join = z.strictObject({
  source: resourceId.optional(),
  table: text,
  alias: identifier,
  on: expression,
  kind: z.enum(['left', 'inner']).default('left'),
});

const dimension = z.strictObject({
  name: identifier,
  column: expression,
  grain: grain.optional(),
  derivedFrom: identifier.optional(),
});

const measure = z.strictObject({
  name: identifier,
  aggregate,
  column: expression.optional(),
  filter: expression.optional(),
  precision: z.literal('exact').optional(),
});

const model = z.strictObject({
  ...header('Model'),
  fact: z.strictObject({ source: resourceId, table: text, alias: identifier }),
  joins: z.array(join).max(limits.joins, atMost(limits.joins)).default([]),
  partition: z.strictObject({ column: expression, grain, format: text.optional() }).optional(),
  computedColumns: z
    .array(z.strictObject({ name: identifier, expression }))
    .max(limits.dimensions, atMost(limits.dimensions))
    .default([]),
  dimensions: z
    .array(dimension)
    .min(1, 'must not be empty')
    .max(limits.dimensions, atMost(limits.dimensions)),
  hierarchies: z.array(names).max(limits.dimensions, atMost(limits.dimensions)).default([]),
  measures: z
    .array(measure)
    .min(1, 'must not be empty')
    .max(limits.measures, atMost(limits.measures)),
  freshness: z.enum(['strict', 'built']).optional(),
  timeZone: text.optional(),
});

const group = z.strictObject({
  include: names.min(1, 'must not be empty'),
  mandatory: names.default([]),
  joint: z.array(names).max(limits.dimensions, atMost(limits.dimensions)).default([]),
  hierarchies: z.array(names).max(limits.dimensions, atMost(limits.dimensions)).default([]),
  maxDimensions: z.int().min(1, 'must be at least 1').max(limits.dimensions).optional(),
  measures: z.array(identifier).min(1, 'must not be empty').max(limits.measures).optional(),
});

const budget = text.regex(
  /^(0*[0-9]*\.?[0-9]+x|[0-9]+(\.[0-9]+)?\s?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB))$/,
  'must be a part of the source such as 0.2x, or bytes such as 512MB',
);

const cube = z.strictObject({
  ...header('Cube'),
  model: resourceId,
  groups: z.array(group).max(limits.groups, atMost(limits.groups)).default([]),
  planner: z.strictObject({ budget }).optional(),
  cuboids: z.array(names).max(limits.cuboids, atMost(limits.cuboids)).default([]),
  segments: z
    .strictObject({
      every: grain.optional(),
      autoMerge: z.array(grain).max(7).default([]),
      retain: text
        .refine(
          (value) => parseRetention(value) !== undefined,
          'must be a time such as 90d, 18m or 10y',
        )
        .optional(),
    })
    .default({ autoMerge: [] }),
  replication: z
    .int()
    .min(1, 'must be at least 1')
    .max(limits.replication, `must be at most ${limits.replication}`)
    .optional(),
});

const source = z.strictObject({
  ...header('Source'),
  use: text,
  config: z.record(z.string(), z.json()).default({}),
});

const project = z.strictObject({
  ...header('Project'),
  description: z.string().optional(),
});

const resourceIds = z
  .array(resourceId)
  .max(limits.dimensions, atMost(limits.dimensions))
  .default([]);
/** Spelled out, so that nothing is permitted by leaving it out. */
const idOrAny = z.union([resourceId, z.literal('*')]);

const user = z.strictObject({
  ...header('User'),
  roles: resourceIds,
  groups: resourceIds,
  disabled: z.boolean().default(false),
  services: z.array(z.enum(['metadata', 'scheduler', 'query', 'storage', 'host'])).default([]),
});

const accessGroup = z.strictObject({ ...header('Group'), roles: resourceIds });

const role = z.strictObject({
  ...header('Role'),
  permissions: z
    .array(
      z.strictObject({
        functions: z
          .array(
            z.enum([
              'query',
              'model',
              'build',
              'operate',
              'administer',
            ] satisfies AccessFunctionWord[]),
          )
          .min(1, 'must not be empty'),
        project: idOrAny,
        source: idOrAny,
        table: text,
      }),
    )
    .max(limits.dimensions, atMost(limits.dimensions)),
});

const policy = z.strictObject({
  ...header('Policy'),
  role: resourceId,
  source: resourceId,
  table: text,
  rows: expression.optional(),
  columns: z
    .record(
      text,
      z.union([
        z.enum(['visible', 'masked', 'hidden'] satisfies ColumnWord[]),
        z.strictObject({ mask: expression }),
      ]),
    )
    .default({}),
});

export const schemas = {
  Project: project,
  Source: source,
  Model: model,
  Cube: cube,
  User: user,
  Group: accessGroup,
  Role: role,
  Policy: policy,
  Deployment: deployment,
  FlinkCluster: flinkCluster,
  FlinkJob: flinkJob,
} as const;
