import { type DataType, heldScale, isNull, type Value } from '@tessera/columnar';
import type { CallExpr, CaseExpr, CastExpr, ColumnExpr } from '../expression.ts';
import { compileCast } from './cast.ts';
import { rescale } from './decimal.ts';
import { compileFunction } from './functions.ts';
import { notCompiled } from './not-compiled.ts';
import { type Compiler, comparable, compileAs, type Evaluate } from './operand.ts';

/** Position of a column among the frame's columns, and the type it really has there. */
export type ResolveColumn = (
  expr: ColumnExpr,
) => { readonly index: number; readonly type: DataType } | undefined;

export function expressionCompiler(resolve: ResolveColumn): Compiler {
  const compiler: Compiler = {
    compile(expr) {
      switch (expr.kind) {
        case 'literal':
          return compileLiteral(expr.type, expr.value);
        case 'parameter': {
          const { index } = expr;
          return (frame) => frame.parameters[index] ?? null;
        }
        case 'column':
          return compileColumn(expr, resolve);
        case 'cast':
          return compileCastExpr(expr, compiler);
        case 'case':
          return compileCase(expr, compiler);
        case 'call':
          return compileCall(expr, compiler);
        default:
          return notCompiled(expr.kind);
      }
    },
  };
  return compiler;
}

function compileLiteral(type: DataType, value: Value): Evaluate {
  if (value !== null && (type.kind === 'interval' || type.kind === 'bytes')) notCompiled(type.kind);
  return () => value;
}

function compileColumn(expr: ColumnExpr, resolve: ResolveColumn): Evaluate {
  const found = resolve(expr);
  if (found === undefined) return notCompiled(`column ${expr.relation}.${expr.name}`);
  const { index } = found;
  if (found.type.kind !== expr.type.kind) notCompiled(`column ${expr.name} of another type`);
  const held = heldScale(found.type);
  const wanted = heldScale(expr.type);
  if (expr.type.kind === 'boolean') {
    return ({ columns }, row) => {
      const column = columns[index]!;
      return isNull(column, row) ? null : column.values[row] === 1;
    };
  }
  if (held !== wanted) {
    return ({ columns }, row) => {
      const column = columns[index]!;
      return isNull(column, row) ? null : rescale(column.values[row] as bigint, held, wanted);
    };
  }
  return ({ columns }, row) => {
    const column = columns[index]!;
    return isNull(column, row) ? null : (column.values[row] as Value);
  };
}

function compileCastExpr(expr: CastExpr, compiler: Compiler): Evaluate {
  const arg = compiler.compile(expr.arg);
  if (sameType(expr.arg.type, expr.type)) return arg;
  const convert = compileCast(expr.arg.type, expr.type);
  return (frame, row) => {
    const value = arg(frame, row);
    return value === null ? null : convert(value);
  };
}

function sameType(a: DataType, b: DataType): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind !== 'numeric' || b.kind !== 'numeric') return true;
  return a.scale === b.scale && a.precision === b.precision;
}

function compileCase(expr: CaseExpr, compiler: Compiler): Evaluate {
  const branches = expr.whens.map(({ when, then }) => ({
    when: compiler.compile(when),
    result: compileAs(then, expr.type, compiler),
  }));
  const otherwise = expr.otherwise && compileAs(expr.otherwise, expr.type, compiler);
  return (frame, row) => {
    for (const branch of branches) {
      if (branch.when(frame, row) === true) return branch.result(frame, row);
    }
    return otherwise === undefined ? null : otherwise(frame, row);
  };
}

function compileCall(expr: CallExpr, compiler: Compiler): Evaluate {
  switch (expr.fn) {
    case 'and':
      return compileConnective(expr, compiler, false);
    case 'or':
      return compileConnective(expr, compiler, true);
    case '=':
    case '<>':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compileComparison(expr, compiler);
    case 'in':
      return compileIn(expr, compiler);
    default:
      return compileFunction(expr, compiler);
  }
}

/** AND stops at false, OR at true (`decisive`); else NULL when any argument was NULL. */
function compileConnective(expr: CallExpr, compiler: Compiler, decisive: boolean): Evaluate {
  const args = expr.args.map((arg) => compiler.compile(arg));
  return (frame, row) => {
    let unknown = false;
    for (const arg of args) {
      const value = arg(frame, row);
      if (value === decisive) return decisive;
      if (value === null) unknown = true;
    }
    return unknown ? null : !decisive;
  };
}

const passes: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

function compileComparison(expr: CallExpr, compiler: Compiler): Evaluate {
  const [left, right, compare] = comparable(expr.args[0]!, expr.args[1]!, compiler);
  const passed = passes[expr.fn]!;
  return (frame, row) => {
    const a = left(frame, row);
    if (a === null) return null;
    const b = right(frame, row);
    return b === null ? null : passed(compare(a, b));
  };
}

function compileIn(expr: CallExpr, compiler: Compiler): Evaluate {
  const [tested, ...list] = expr.args;
  const items = list.map((item) => comparable(tested!, item, compiler));
  return (frame, row) => {
    let unknown = false;
    for (const [left, right, compare] of items) {
      const a = left(frame, row);
      if (a === null) return null;
      const b = right(frame, row);
      if (b === null) unknown = true;
      else if (compare(a, b) === 0) return true;
    }
    return unknown ? null : false;
  };
}
