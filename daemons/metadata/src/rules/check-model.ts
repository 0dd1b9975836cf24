import type { FieldViolation } from '@tessera/base';
import { metadata } from '@tessera/proto';
import { Faults } from './faults.ts';

/** Names, references and cycles of a model; its expressions are only looked at where they join. */
export function checkModel(spec: metadata.ModelSpec): readonly FieldViolation[] {
  const faults = new Faults();
  checkTables(spec, faults);
  checkDimensions(spec, faults);
  checkMeasures(spec, faults);
  if (spec.partition !== undefined) faults.required('partition.column', spec.partition.column);
  faults.unique(
    'computedColumns',
    spec.computedColumns.map(({ name }) => name),
    'Computed column',
  );
  for (const [i, { name, expression }] of spec.computedColumns.entries()) {
    faults.required(`computedColumns[${i}].name`, name);
    faults.required(`computedColumns[${i}].expression`, expression);
  }
  return faults.found;
}

function checkTables({ fact, joins }: metadata.ModelSpec, faults: Faults): void {
  if (fact === undefined) {
    faults.add('fact', 'is missing: name its source, table and alias.');
    return;
  }
  faults.required('fact.source', fact.source);
  faults.required('fact.table', fact.table);
  faults.required('fact.alias', fact.alias);
  const aliases = [fact.alias];
  for (const [i, { table, alias, on }] of joins.entries()) {
    const at = `joins[${i}]`;
    faults.required(`${at}.table`, table);
    faults.required(`${at}.alias`, alias);
    if (aliases.includes(alias)) {
      faults.add(`${at}.alias`, `Alias ${JSON.stringify(alias)} is there twice.`);
    }
    const before = aliases.map((one) => one.toLowerCase());
    checkJoin({ at: `${at}.on`, on, alias: alias.toLowerCase(), before }, faults);
    aliases.push(alias);
  }
}

interface JoinText {
  readonly at: string;
  readonly on: string;
  readonly alias: string;
  readonly before: readonly string[];
}

/** Each equation has this join's alias on one side and a table that stands before it on the other. */
function checkJoin({ at, on, alias, before }: JoinText, faults: Faults): void {
  if (on.trim() === '') {
    faults.add(at, 'is missing: say which columns join.');
    return;
  }
  const name = String.raw`(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)`;
  const equation = new RegExp(
    String.raw`^\s*(${name})\s*\.\s*${name}\s*=\s*(${name})\s*\.\s*${name}\s*$`,
    'u',
  );
  for (const part of on.split(/\s+and\s+/i)) {
    const sides = equation.exec(part);
    if (sides === null) {
      faults.add(at, `${JSON.stringify(part.trim())} is not of the form a.x = b.y.`);
      continue;
    }
    const [left, right] = [unquoted(sides[1]!), unquoted(sides[2]!)];
    const other = left === alias ? right : left;
    if (left !== alias && right !== alias) {
      faults.add(at, `${JSON.stringify(part.trim())} does not name ${JSON.stringify(alias)}.`);
    } else if (other === alias || !before.includes(other)) {
      faults.known(
        at,
        other,
        before.filter((one) => one !== alias),
        'table before it with the alias',
      );
    }
  }
}

/** Aliases are compared without regard to case: what is stricter is said when the model is resolved. */
function unquoted(name: string): string {
  const plain = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
  return plain.toLowerCase();
}

function checkDimensions({ dimensions, hierarchies }: metadata.ModelSpec, faults: Faults): void {
  const names = dimensions.map(({ name }) => name);
  faults.unique('dimensions', names, 'Dimension');
  for (const [i, { name, column, derivedFrom }] of dimensions.entries()) {
    faults.required(`dimensions[${i}].name`, name);
    faults.required(`dimensions[${i}].column`, column);
    if (derivedFrom === '') continue;
    const at = `dimensions[${i}].derivedFrom`;
    if (faults.known(at, derivedFrom, names, 'dimension') && isCyclic(name, dimensions)) {
      faults.add(at, `${JSON.stringify(name)} is derived from itself.`);
    }
  }
  for (const [i, { names: members }] of hierarchies.entries()) {
    faults.unique(`hierarchies[${i}]`, members, 'Dimension');
    for (const [j, member] of members.entries()) {
      faults.known(`hierarchies[${i}][${j}]`, member, names, 'dimension');
    }
  }
}

function isCyclic(name: string, dimensions: readonly metadata.DimensionSpec[]): boolean {
  const parents = new Map(dimensions.map((dimension) => [dimension.name, dimension.derivedFrom]));
  const seen = new Set<string>();
  for (let at = parents.get(name); at; at = parents.get(at)) {
    if (at === name) return true;
    if (seen.has(at)) return false; // A cycle further up: found when its members are looked at.
    seen.add(at);
  }
  return false;
}

function checkMeasures({ measures }: metadata.ModelSpec, faults: Faults): void {
  const { MeasureAggregate } = metadata;
  faults.unique(
    'measures',
    measures.map(({ name }) => name),
    'Measure',
  );
  for (const [i, { name, aggregate, column }] of measures.entries()) {
    faults.required(`measures[${i}].name`, name);
    if (aggregate === MeasureAggregate.MEASURE_AGGREGATE_UNSPECIFIED) {
      faults.add(`measures[${i}].aggregate`, 'is missing.');
    } else if (aggregate !== MeasureAggregate.MEASURE_AGGREGATE_COUNT) {
      faults.required(`measures[${i}].column`, column);
    }
  }
}
