import type { Field } from '@tessera/columnar';
import {
  and,
  type BindCatalog,
  call,
  type Expr,
  type TableDefinition,
  type TableName,
  type,
} from '@tessera/sql';
import { bindMask, bindRows } from './bind-rule.ts';
import { policyInvalid } from './errors.ts';
import type { Policy, Role } from './rules.ts';
import {
  type ColumnAccess,
  isWhole,
  type RowPredicate,
  type TableAccess,
  tableAccess,
} from './table-access.ts';

/** Whose eyes a statement is read with. */
export interface Viewer {
  readonly roles: readonly Role[];
  readonly policies: readonly Policy[];
  readonly project: string;
}

/** A table as somebody sees it, bound: `ColumnExpr.relation` is the table's name. */
export interface TableView {
  readonly definition: TableDefinition;
  /** Its columns without the hidden ones, each with what stands for it. */
  readonly columns: readonly { readonly field: Field; readonly expr: Expr }[];
  readonly where?: Expr;
}

/** The tables that a viewer sees, as he sees them. */
export class AccessView {
  readonly catalog: BindCatalog;
  readonly #viewer: Viewer;
  readonly #all: BindCatalog;
  readonly #access = new Map<string, TableAccess | undefined>();
  readonly #views = new Map<string, TableView>();

  /** @param all every table there is */
  constructor(viewer: Viewer, all: BindCatalog) {
    this.#viewer = viewer;
    this.#all = all;
    const names = all.tables().filter((name) => this.access(name) !== undefined);
    this.catalog = {
      find: (table, source) => this.#find(names, table, source),
      tables: () => names,
    };
  }

  /** `undefined`: the table does not exist for this viewer. */
  access(name: TableName): TableAccess | undefined {
    const key = keyOf(name);
    if (!this.#access.has(key)) {
      const { roles, policies, project } = this.#viewer;
      this.#access.set(key, tableAccess(roles, policies, { project, ...name }));
    }
    return this.#access.get(key);
  }

  /** Whether the viewer sees the whole table as it is. */
  seesAll(name: TableName): boolean {
    const access = this.access(name);
    return access !== undefined && isWhole(access);
  }

  /** @throws POLICY_INVALID when a policy does not fit the table */
  view(name: TableName): TableView {
    const key = keyOf(name);
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const made = viewOf(this.#all.find(name.table, name.source)!, this.access(name)!);
    this.#views.set(key, made);
    return made;
  }

  /** A name alone means the only table of that name which this viewer sees. */
  #find(names: readonly TableName[], table: string, source?: string): TableDefinition | undefined {
    const found = names.filter(
      (name) => name.table === table && (source === undefined || name.source === source),
    );
    if (found.length !== 1) return undefined;
    const definition = this.#all.find(table, found[0]!.source)!;
    const { columns } = this.access(found[0]!)!;
    return {
      ...definition,
      columns: definition.columns
        .filter(({ name }) => columns.get(name)?.kind !== 'hidden')
        .map((field) => (columns.has(field.name) ? { ...field, nullable: true } : field)),
    };
  }
}

function keyOf({ source, table }: TableName): string {
  return JSON.stringify([source, table]);
}

function viewOf(definition: TableDefinition, { rows, columns }: TableAccess): TableView {
  for (const [name, { policy }] of columns) requireColumn(definition, name, policy);
  const shown = definition.columns.filter(({ name }) => columns.get(name)?.kind !== 'hidden');
  const where =
    rows === 'all'
      ? undefined
      : anyOf(rows.map((all) => and(...all.map((one) => predicate(definition, one)))!));
  return {
    definition,
    columns: shown.map((field) => ({
      field,
      expr: columnOf(definition, field, columns.get(field.name)),
    })),
    ...(where === undefined ? {} : { where }),
  };
}

function predicate(definition: TableDefinition, { text, policy }: RowPredicate): Expr {
  return fitting(definition, policy, () => bindRows(definition, text));
}

function columnOf(
  definition: TableDefinition,
  field: Field,
  access: ColumnAccess | undefined,
): Expr {
  const { type, name } = field;
  const relation = definition.name.table;
  if (access?.kind !== 'masked') return { kind: 'column', type, relation, name };
  return fitting(definition, access.policy, () => bindMask(definition, field, access.mask));
}

function anyOf(terms: readonly Expr[]): Expr {
  return terms.length === 1 ? terms[0]! : call('or', type.boolean, terms);
}

/** @throws POLICY_INVALID */
function fitting({ name }: TableDefinition, policy: string, bind: () => Expr): Expr {
  try {
    return bind();
  } catch (error) {
    throw policyInvalid(policy, tableText(name), error);
  }
}

/** A rule for a column that is not there may be a slip that leaves another one open. */
function requireColumn({ name, columns }: TableDefinition, column: string, policy: string): void {
  if (columns.some((field) => field.name === column)) return;
  throw policyInvalid(policy, tableText(name), `it has no column ${column}.`);
}

function tableText({ source, table }: TableName): string {
  return `${source}.${table}`;
}
