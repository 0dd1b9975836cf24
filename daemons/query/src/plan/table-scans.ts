import {
  conjuncts,
  type Expr,
  leavesOf,
  type Query,
  type Relation,
  selectBlocks,
  type TableRelation,
  transformExpr,
  usedColumns,
  walkExpr,
} from '@tessera/sql';

/** What a statement needs of one of its tables: columns and the predicates that hold for every row it can use. */
export interface NeededTable {
  readonly relation: TableRelation;
  readonly columns: readonly string[];
  /** Over the table itself, as connectors take them: `ColumnExpr.relation` is the table's name. */
  readonly predicates: readonly Expr[];
}

/** Every table in a statement, by relation id; also those inside subqueries. */
export function neededTables(query: Query): readonly NeededTable[] {
  const blocks = selectBlocks(query);
  const used = usedColumns(query);
  return blocks.flatMap((block) => {
    const filterable = new Set(alwaysPresent(block.from));
    const predicates = [...conjuncts(block.where), ...innerConditions(block.from)];
    return leavesOf(block.from)
      .filter((leaf) => leaf.kind === 'table')
      .map((relation) => ({
        relation,
        columns: relation.columns
          .map(({ name }) => name)
          .filter((name) => used.get(relation.id)?.has(name)),
        predicates: filterable.has(relation.id)
          ? predicates
              .filter((expr) => isOver(expr, relation.id))
              .map((expr) => onTable(expr, relation))
          : [],
      }));
  });
}

/** Ids of the relations that no outer join fills up with NULLs. */
function alwaysPresent(relations: readonly Relation[]): string[] {
  return relations.flatMap((relation): string[] => {
    if (relation.kind !== 'join') return [relation.id];
    const { type, left, right } = relation;
    return [
      ...(type === 'right' || type === 'full' ? [] : alwaysPresent([left])),
      ...(type === 'left' || type === 'full' ? [] : alwaysPresent([right])),
    ];
  });
}

function innerConditions(relations: readonly Relation[]): Expr[] {
  return relations.flatMap((relation): Expr[] => {
    if (relation.kind !== 'join') return [];
    const { type, left, right, on } = relation;
    return [
      ...(type === 'inner' ? conjuncts(on) : []),
      ...(type === 'right' || type === 'full' ? [] : innerConditions([left])),
      ...(type === 'left' || type === 'full' ? [] : innerConditions([right])),
    ];
  });
}

function isOver(expr: Expr, relation: string): boolean {
  let over = true;
  let any = false;
  walkExpr(expr, (part) => {
    if (part.kind === 'column') {
      any = true;
      if (part.relation !== relation) over = false;
    }
    if (part.kind === 'subquery') over = false;
    return over;
  });
  return over && any;
}

function onTable(expr: Expr, relation: TableRelation): Expr {
  return transformExpr(expr, (part) =>
    part.kind === 'column' ? { ...part, relation: relation.table.table } : undefined,
  );
}
