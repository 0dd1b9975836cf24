import type { DataType } from '@tessera/columnar';
import {
  type AggregateExpr,
  type CaseExpr,
  call,
  conjuncts,
  type Expr,
  exprKey,
  isExact,
  isLiteral,
  isNumber,
  lit,
  not,
  type,
} from '@tessera/sql';
import { addOrEither, castTo, column, withoutRepeats } from './expressions.ts';
import {
  type Partial,
  type PartialContext,
  type PartialSpec,
  partialKey,
  partialTypeOf,
  partsOf,
  product,
} from './partial.ts';

/** Whether a partial can be computed at all, from a layout that has everything the model has. */
export type Computable = (spec: PartialSpec) => boolean;

/**
 * Takes the aggregates of one block apart into partials and puts their values together again. All expressions that come
 * in are over the model's aliases; what comes out is over the columns of `relation`, one row per group.
 */
export class AggregateSplitter {
  readonly partials: Partial[] = [];
  readonly #byKey = new Map<string, Partial>();
  readonly #relation: string;
  readonly #context: PartialContext;
  readonly #computable: Computable;
  readonly #always: readonly Expr[];

  /** `always`: conjuncts that every aggregate is filtered by, because the scan cannot filter by them. */
  constructor(
    relation: string,
    context: PartialContext,
    computable: Computable,
    always: readonly Expr[],
  ) {
    this.#relation = relation;
    this.#context = context;
    this.#computable = computable;
    this.#always = always;
  }

  /** The value of an aggregate from its partials, typed as the aggregate is, or `undefined`. */
  valueOf(aggregate: AggregateExpr): Expr | undefined {
    const filter = withoutRepeats([...this.#always, ...conjuncts(aggregate.filter)]);
    const extreme = aggregate.fn === 'min' || aggregate.fn === 'max';
    if (aggregate.distinct && !extreme) return undefined;
    const mark = this.partials.length;
    const value = this.#value(aggregate, filter);
    if (value === undefined) this.#forget(mark);
    return value && castTo(value, aggregate.type);
  }

  /** How many rows of the group pass the filters of every aggregate. */
  rows(): Expr | undefined {
    return this.#count(undefined, this.#always);
  }

  /** Partials that were added for what did not work out. */
  #forget(mark: number): void {
    for (const partial of this.partials.splice(mark)) {
      this.#byKey.delete(keyOf(partial, partial.triple));
    }
  }

  #value({ fn, args, type: result }: AggregateExpr, filter: readonly Expr[]): Expr | undefined {
    const arg = args[0];
    switch (fn) {
      case 'count':
        return this.#count(arg, filter);
      case 'sum':
        return arg && this.#sum(arg, filter, result);
      case 'avg':
        return arg && this.#average(arg, filter, result);
      case 'min':
      case 'max':
        return arg && this.#extreme(fn, arg, filter);
      case 'var_samp':
      case 'var_pop':
      case 'stddev_samp':
      case 'stddev_pop':
        return arg && this.#deviation(fn, arg, filter, result);
      default:
        return undefined;
    }
  }

  /** The column of a partial, which is added when it is computable and new. */
  #partial(spec: PartialSpec, triple = false): Expr | undefined {
    const key = keyOf(spec, triple);
    const known = this.#byKey.get(key);
    if (known === undefined && !this.#computable(spec)) return undefined;
    const partial = known ?? {
      ...spec,
      name: `p${this.partials.length}`,
      type: partialTypeOf(spec, partsOf(this.#context.model)),
      triple,
    };
    if (known === undefined) {
      this.partials.push(partial);
      this.#byKey.set(key, partial);
    }
    return column(this.#relation, partial.name, partial.type);
  }

  #count(arg: Expr | undefined, filter: readonly Expr[]): Expr | undefined {
    if (arg === undefined) return this.#partial({ fn: 'count', filter });
    if (isLiteral(arg)) {
      return arg.value === null ? lit.bigint(0n) : this.#partial({ fn: 'count', filter });
    }
    if (arg.kind === 'case') {
      const mark = this.partials.length;
      const branches = branchesOf(arg)
        .filter(({ value }) => !isNullLiteral(value))
        .map(({ value, when }) => this.#count(value, [...filter, ...when]));
      const sum = sumOf(branches, (a, b) => call('+', type.bigint, [a, b]));
      if (sum !== undefined) return sum;
      this.#forget(mark);
    }
    const direct = this.#partial({ fn: 'count', arg, filter });
    if (direct !== undefined) return direct;
    const operand = soleNullSource(arg, this.#context.neverNull);
    return operand && this.#count(operand, filter);
  }

  /** NULL when no row has a value, as sum is. */
  #sum(arg: Expr, filter: readonly Expr[], result: DataType): Expr | undefined {
    if (isLiteral(arg) && arg.value === null) return lit.null(result);
    if (isLiteral(arg) && isExact(arg.type)) {
      return this.#timesCount(arg, undefined, filter, result);
    }
    const direct = this.#partial({ fn: 'sum', arg, filter });
    if (direct !== undefined) return castTo(direct, result);
    if (arg.kind === 'case') {
      const branches = branchesOf(arg).filter(({ value }) => !isNullLiteral(value));
      const sums = branches.map(({ value, when }) =>
        this.#sum(value, [...filter, ...when], result),
      );
      return sumOf(sums, addOrEither);
    }
    if (!isExact(arg.type)) return undefined;
    return this.#linear(arg, filter, result);
  }

  /** `constant * count(arg)`, NULL when there is nothing to count. */
  #timesCount(
    constant: Expr,
    arg: Expr | undefined,
    filter: readonly Expr[],
    result: DataType,
  ): Expr | undefined {
    const count = this.#count(arg, filter);
    if (count === undefined) return undefined;
    const some = call('nullif', type.bigint, [count, lit.bigint(0n)]);
    return castTo(call('*', result, [wide(constant, result), wide(some, result)]), result);
  }

  /** Sums of exact values are linear, as long as what is summed is NULL in the same rows. */
  #linear(arg: Expr, filter: readonly Expr[], result: DataType): Expr | undefined {
    if (arg.kind === 'cast') {
      const widening = isExact(arg.arg.type) && widens(arg.arg.type, arg.type);
      return widening ? this.#sum(arg.arg, filter, result) : undefined;
    }
    if (arg.kind !== 'call') return undefined;
    const [a, b] = arg.args;
    if (a === undefined) return undefined;
    if (arg.fn === 'negate') {
      const sum = this.#sum(a, filter, result);
      return sum && call('negate', result, [sum]);
    }
    if (b === undefined) return undefined;
    if (arg.fn === '*') return this.#scaled(a, b, filter, result);
    return arg.fn === '+' || arg.fn === '-' ? this.#added(arg.fn, a, b, filter, result) : undefined;
  }

  #scaled(a: Expr, b: Expr, filter: readonly Expr[], result: DataType): Expr | undefined {
    const [constant, operand] = isConstant(a) ? [a, b] : [b, a];
    if (!isConstant(constant)) return undefined;
    const sum = this.#sum(operand, filter, sumLike(operand, result));
    return sum && castTo(call('*', result, [wide(constant, result), wide(sum, result)]), result);
  }

  #added(
    fn: '+' | '-',
    a: Expr,
    b: Expr,
    filter: readonly Expr[],
    result: DataType,
  ): Expr | undefined {
    const { neverNull } = this.#context;
    const side = (own: Expr, other: Expr): Expr | undefined =>
      isConstant(own)
        ? this.#timesCount(own, other, filter, result)
        : this.#sum(own, filter, result);
    if (!isConstant(a) && !isConstant(b) && !(neverNull(a) && neverNull(b))) return undefined;
    const left = side(a, b);
    const right = left && side(b, a);
    return right && call(fn, result, [left, right]);
  }

  #average(arg: Expr, filter: readonly Expr[], result: DataType): Expr | undefined {
    const exact = isExact(arg.type);
    if (!isNumber(arg.type)) return undefined;
    const sum = this.#sum(arg, filter, exact ? sumLike(arg, type.numeric) : type.double);
    const count = sum && this.#count(arg, filter);
    if (count === undefined) return undefined;
    const some = call('nullif', type.bigint, [count, lit.bigint(0n)]);
    return call('/', result, [wide(sum!, result), wide(some, result)]);
  }

  #extreme(fn: 'min' | 'max', arg: Expr, filter: readonly Expr[]): Expr | undefined {
    const direct = this.#partial({ fn, arg, filter });
    if (direct !== undefined || arg.kind !== 'case') return direct;
    const branches = branchesOf(arg).filter(({ value }) => !isNullLiteral(value));
    const values = branches.map(({ value, when }) =>
      this.#extreme(fn, castTo(value, arg.type), [...filter, ...when]),
    );
    const pick = fn === 'min' ? 'least' : 'greatest';
    return sumOf(values, (a, b) => call(pick, arg.type, [a, b]));
  }

  #deviation(fn: string, arg: Expr, filter: readonly Expr[], result: DataType): Expr | undefined {
    if (!isNumber(arg.type)) return undefined;
    if (isExact(arg.type) && fn.startsWith('stddev')) {
      return this.#exactDeviation(fn, arg, filter, result);
    }
    const least = fn.endsWith('samp') ? 1n : 0n;
    const [count, ratio] = isExact(arg.type)
      ? this.#exactVariance(arg, filter, least)
      : this.#floatVariance(arg, filter, least);
    if (count === undefined || ratio === undefined) return undefined;
    const value = fn.startsWith('stddev') ? call('sqrt', result, [ratio]) : ratio;
    const enough = call('>', type.boolean, [count, lit.bigint(least)]);
    // biome-ignore lint/suspicious/noThenProperty: the word of SQL, and never a promise.
    return { kind: 'case', type: result, whens: [{ when: enough, then: value }] };
  }

  /**
   * The digits of a root depend on those of its quotient, so `stddev_…_of` takes count, sum and sum of squares as a
   * whole: a function that only matching makes.
   */
  #exactDeviation(
    fn: string,
    arg: Expr,
    filter: readonly Expr[],
    result: DataType,
  ): Expr | undefined {
    const parts = (['count', 'sum', 'sum_squares'] as const).map((part) =>
      this.#partial({ fn: part, arg, filter }),
    );
    if (!parts.every((part) => part !== undefined)) return undefined;
    return call(`${fn}_of`, result, parts);
  }

  /** (n·Σx² − (Σx)²) / (n·(n−1)), as PostgreSQL computes it for exact types. */
  #exactVariance(arg: Expr, filter: readonly Expr[], less: bigint): readonly (Expr | undefined)[] {
    const count = this.#partial({ fn: 'count', arg, filter });
    const sum = this.#partial({ fn: 'sum', arg, filter });
    const squares = this.#partial({ fn: 'sum_squares', arg, filter });
    if (count === undefined || sum === undefined || squares === undefined) return [];
    const n = wide(count, type.numeric);
    const total = wide(sum, type.numeric);
    const left = product(n, wide(squares, type.numeric));
    const spread = call('-', left.type, [left, castTo(product(total, total), left.type)]);
    const zero = castTo(lit.numeric(0n, 0), left.type);
    const positive = call('greatest', left.type, [spread, zero]);
    const fewer = less === 0n ? n : call('-', n.type, [n, lit.numeric(less, 0)]);
    const divisor = product(n, fewer);
    return [count, call('/', type.numeric, [positive, divisor])];
  }

  #floatVariance(arg: Expr, filter: readonly Expr[], less: bigint): readonly (Expr | undefined)[] {
    const count = this.#partial({ fn: 'count', arg, filter }, true);
    const sum = count && this.#partial({ fn: 'sum', arg, filter }, true);
    const m2 = sum && this.#partial({ fn: 'm2', arg, filter }, true);
    if (count === undefined || m2 === undefined) return [];
    const n = call('-', type.bigint, [count, lit.bigint(less)]);
    return [count, call('/', type.double, [m2, castTo(n, type.double)])];
  }
}

function keyOf(spec: PartialSpec, triple: boolean): string {
  return triple ? `${partialKey(spec)}!` : partialKey(spec);
}

function isNullLiteral(expr: Expr): boolean {
  return isLiteral(expr) && expr.value === null;
}

function isConstant(expr: Expr): boolean {
  if (expr.kind === 'cast') return isConstant(expr.arg);
  return expr.kind === 'literal' && expr.value !== null;
}

function widens(from: DataType, to: DataType): boolean {
  if (to.kind === 'numeric') {
    const scale = from.kind === 'numeric' ? from.scale : 0;
    const fits = to.precision === undefined;
    return fits && (to.scale === undefined || (scale !== undefined && to.scale >= scale));
  }
  const order = ['smallint', 'integer', 'bigint'];
  return order.includes(from.kind) && order.indexOf(from.kind) <= order.indexOf(to.kind);
}

/** An operand of arithmetic whose result has the type: integers meet in bigint, numerics keep their scale. */
function wide(expr: Expr, result: DataType): Expr {
  if (result.kind !== 'numeric') return castTo(expr, result);
  return expr.type.kind === 'numeric' ? expr : castTo(expr, { kind: 'numeric', scale: 0 });
}

/** The type of a sum over the operand, kept exact. */
function sumLike(operand: Expr, fallback: DataType): DataType {
  if (operand.type.kind !== 'numeric') {
    return operand.type.kind === 'bigint' ? { kind: 'numeric', scale: 0 } : type.bigint;
  }
  const { scale } = operand.type;
  return scale === undefined ? fallback : { kind: 'numeric', scale };
}

/** The branches of a CASE with the conditions under which each is taken; they exclude each other. */
function branchesOf(
  expr: CaseExpr,
): readonly { readonly value: Expr; readonly when: readonly Expr[] }[] {
  const before: Expr[] = [];
  const branches = expr.whens.map(({ when, then }) => {
    const branch = { value: then, when: [...before, ...conjuncts(when)] };
    before.push(not(call('is_true', type.boolean, [when])));
    return branch;
  });
  if (expr.otherwise === undefined) return branches;
  return [...branches, { value: expr.otherwise, when: before }];
}

/** Puts branches together; `undefined` when one is missing or there is none. */
function sumOf(
  values: readonly (Expr | undefined)[],
  join: (a: Expr, b: Expr) => Expr,
): Expr | undefined {
  const complete = values.every((value) => value !== undefined);
  return complete && values.length > 0 ? (values as Expr[]).reduce(join) : undefined;
}

const nullPreserving = new Set(['+', '-', '*', 'negate', 'abs']);

/** The only operand that can make the expression NULL, so that both have the same count. */
function soleNullSource(expr: Expr, neverNull: (expr: Expr) => boolean): Expr | undefined {
  if (expr.kind === 'cast') return isNumber(expr.arg.type) ? expr.arg : undefined;
  if (expr.kind !== 'call' || !nullPreserving.has(expr.fn)) return undefined;
  const nullable = expr.args.filter((arg) => !isConstant(arg) && !neverNull(arg));
  const keys = new Set(nullable.map(exprKey));
  return keys.size === 1 ? nullable[0] : undefined;
}
