import type { Node, WindowDef } from '@pgsql/types';
import type { BindContext, Env } from './bind-context.ts';
import { coerce } from './coerce.ts';
import { badName, brokenRule } from './errors.ts';
import type { Expr, FrameBound, WindowExpr, WindowFrame } from './expression.ts';
import type { OrderItem } from './query.ts';
import { isNumber, type } from './types.ts';

export type Bind = (ctx: BindContext, env: Env, node: Node) => Expr;

/** Bits of WindowDef.frameOptions (PostgreSQL's parsenodes.h). */
const bit = {
  range: 0x2,
  rows: 0x4,
  groups: 0x8,
  nonDefault: 0x1,
  excludeCurrentRow: 0x8000,
  excludeGroup: 0x10000,
  excludeTies: 0x20000,
} as const;

const startBounds: readonly (readonly [number, FrameBound['kind']])[] = [
  [0x20, 'unbounded preceding'],
  [0x80, 'unbounded following'],
  [0x200, 'current row'],
  [0x800, 'preceding'],
  [0x2000, 'following'],
];
const endBounds: readonly (readonly [number, FrameBound['kind']])[] = [
  [0x40, 'unbounded preceding'],
  [0x100, 'unbounded following'],
  [0x400, 'current row'],
  [0x1000, 'preceding'],
  [0x4000, 'following'],
];

type WindowParts = Pick<WindowExpr, 'partitionBy' | 'orderBy'> & { readonly frame?: WindowFrame };

/** What stands after OVER; a named window is looked up among those of the block. */
export function bindWindow(ctx: BindContext, env: Env, def: WindowDef, bind: Bind): WindowParts {
  const inner: Env = { ...env, noWindows: 'a window definition' };
  // `over w` has `name`, `over (w …)` has `refname`.
  const baseName = def.refname ?? (isBare(def) ? def.name : undefined);
  const base = baseName === undefined ? undefined : namedWindow(ctx, env, baseName, def);
  const inherited = base === undefined ? undefined : bindWindow(ctx, env, base, bind);
  if (inherited !== undefined && isBare(def) && def.refname === undefined) return inherited;
  const partitionBy = (def.partitionClause ?? []).map((node) => bind(ctx, inner, node));
  const orderBy = bindOrderItems(ctx, def.orderClause ?? [], (node) => bind(ctx, inner, node));
  const frame = bindFrame(ctx, inner, def, bind, inherited?.orderBy ?? orderBy);
  if (inherited !== undefined && (partitionBy.length > 0 || inherited.frame !== undefined)) {
    throw brokenRule(
      'INVALID_REFERENCE',
      `Window "${baseName}" cannot be changed in this way`,
      ctx.at(def.location),
    );
  }
  return {
    partitionBy: inherited?.partitionBy ?? partitionBy,
    orderBy: inherited !== undefined && orderBy.length === 0 ? inherited.orderBy : orderBy,
    ...(frame === undefined ? {} : { frame }),
  };
}

function isBare(def: WindowDef): boolean {
  const plain = ((def.frameOptions ?? 0) & bit.nonDefault) === 0;
  return def.partitionClause === undefined && def.orderClause === undefined && plain;
}

function namedWindow(ctx: BindContext, env: Env, name: string, def: WindowDef): WindowDef {
  const found = env.block?.windows.get(name);
  if (found !== undefined && found !== def) return { ...found, name: '' };
  throw badName('UNKNOWN_WINDOW', `Window "${name}" does not exist`, ctx.at(def.location));
}

function bindFrame(
  ctx: BindContext,
  env: Env,
  def: WindowDef,
  bind: Bind,
  orderBy: readonly OrderItem[],
): WindowFrame | undefined {
  const options = def.frameOptions ?? 0;
  if ((options & bit.nonDefault) === 0) return undefined;
  const mode = options & bit.rows ? 'rows' : options & bit.groups ? 'groups' : 'range';
  const bound = (
    kinds: typeof startBounds,
    node: Node | undefined,
    otherwise: FrameBound['kind'],
  ): FrameBound => {
    const kind = kinds.find(([mask]) => (options & mask) !== 0)?.[1] ?? otherwise;
    if (kind !== 'preceding' && kind !== 'following') return { kind };
    return { kind, offset: frameOffset(ctx, bind(ctx, env, node!), mode, orderBy) };
  };
  const start = bound(startBounds, def.startOffset, 'unbounded preceding');
  const end = bound(endBounds, def.endOffset, 'current row');
  const exclude =
    options & bit.excludeCurrentRow
      ? 'current row'
      : options & bit.excludeGroup
        ? 'group'
        : options & bit.excludeTies
          ? 'ties'
          : undefined;
  return { mode, start, end, ...(exclude === undefined ? {} : { exclude }) };
}

function frameOffset(
  ctx: BindContext,
  offset: Expr,
  mode: WindowFrame['mode'],
  orderBy: readonly OrderItem[],
): Expr {
  if (mode !== 'range') return coerce(ctx, offset, type.bigint, 'The frame offset');
  const key = orderBy[0]?.expr.type;
  if (orderBy.length !== 1 || key === undefined) {
    throw ctx.mismatch(
      'RANGE with an offset needs exactly one ORDER BY column',
      ctx.locationOf(offset),
    );
  }
  return isNumber(key) ? coerce(ctx, offset, key) : coerce(ctx, offset, type.interval);
}

/** ORDER BY items; NULLs go last ascending and first descending unless said otherwise. */
export function bindOrderItems(
  ctx: BindContext,
  nodes: readonly Node[],
  bind: (node: Node) => Expr,
): OrderItem[] {
  return nodes.map((node) => {
    if (!('SortBy' in node)) throw ctx.unsupported('This ORDER BY item');
    const { node: key, sortby_dir, sortby_nulls, useOp, location } = node.SortBy;
    if (useOp !== undefined) throw ctx.unsupported('ORDER BY … USING', location);
    const descending = sortby_dir === 'SORTBY_DESC';
    const byDefault = sortby_nulls === undefined || sortby_nulls === 'SORTBY_NULLS_DEFAULT';
    const nullsFirst = byDefault ? descending : sortby_nulls === 'SORTBY_NULLS_FIRST';
    return { expr: orderable(ctx, bind(key!)), descending, nullsFirst };
  });
}

const orderable = (ctx: BindContext, expr: Expr): Expr =>
  expr.type.kind === 'unknown' ? coerce(ctx, expr, type.text) : expr;
