import type { type } from '@tessera/proto';
import type { AggregateExpr, CaseExpr, Expr, OrderItem } from '@tessera/sql';
import { expressionDoesNotTravel, malformedMessage } from '../errors.ts';
import { dataTypeFromProto, dataTypeToProto } from './data-type.ts';
import { valueFromProto, valueToProto } from './value.ts';

type Node = NonNullable<type.Expression['node']>;

/** @throws EXPRESSION_DOES_NOT_TRAVEL for windows and subqueries: a scan plan never holds one. */
export function expressionToProto(expr: Expr): type.Expression {
  return { type: dataTypeToProto(expr.type), node: nodeOf(expr) };
}

function nodeOf(expr: Expr): Node {
  switch (expr.kind) {
    case 'literal':
      return { $case: 'literal', value: valueToProto(expr.value, expr.type) };
    case 'parameter':
      return { $case: 'parameter', value: expr.index };
    case 'column':
      return { $case: 'column', value: { relation: expr.relation, name: expr.name } };
    case 'call': {
      const value = { function: expr.fn, arguments: expr.args.map(expressionToProto) };
      return { $case: 'call', value };
    }
    case 'cast':
      return { $case: 'cast', value: expressionToProto(expr.arg) };
    case 'case':
      return { $case: 'case', value: caseToProto(expr) };
    case 'aggregate':
      return { $case: 'aggregate', value: aggregateToProto(expr) };
    case 'window':
    case 'subquery':
      throw expressionDoesNotTravel(expr.kind);
  }
}

function caseToProto(expr: CaseExpr): type.Case {
  return {
    whens: expr.whens.map(({ when, then }) => ({
      condition: expressionToProto(when),
      result: expressionToProto(then),
    })),
    otherwise: expr.otherwise && expressionToProto(expr.otherwise),
  };
}

function aggregateToProto(expr: AggregateExpr): type.Aggregate {
  return {
    function: expr.fn,
    arguments: expr.args.map(expressionToProto),
    distinct: expr.distinct,
    filter: expr.filter && expressionToProto(expr.filter),
    orderBy: (expr.orderBy ?? []).map(orderItemToProto),
  };
}

export function expressionFromProto(message: type.Expression | undefined): Expr {
  const node = message?.node;
  if (node === undefined) throw malformedMessage('An expression', 'it is empty');
  const dataType = dataTypeFromProto(message?.type);
  switch (node.$case) {
    case 'literal':
      return { kind: 'literal', type: dataType, value: valueFromProto(node.value, dataType) };
    case 'parameter':
      return { kind: 'parameter', type: dataType, index: node.value };
    case 'column': {
      const { relation, name } = node.value;
      return { kind: 'column', type: dataType, relation, name };
    }
    case 'call': {
      const args = node.value.arguments.map(expressionFromProto);
      return { kind: 'call', type: dataType, fn: node.value.function, args };
    }
    case 'cast':
      return { kind: 'cast', type: dataType, arg: expressionFromProto(node.value) };
    case 'case':
      return { kind: 'case', type: dataType, ...caseFromProto(node.value) };
    case 'aggregate':
      return { kind: 'aggregate', type: dataType, ...aggregateFromProto(node.value) };
  }
}

function caseFromProto(message: type.Case): Omit<CaseExpr, 'kind' | 'type'> {
  const whens = message.whens.map(({ condition, result }) => ({
    when: expressionFromProto(condition),
    // biome-ignore lint/suspicious/noThenProperty: CASE's own word; nobody awaits an expression.
    then: expressionFromProto(result),
  }));
  return {
    whens,
    ...(message.otherwise ? { otherwise: expressionFromProto(message.otherwise) } : {}),
  };
}

function aggregateFromProto(message: type.Aggregate): Omit<AggregateExpr, 'kind' | 'type'> {
  const orderBy = message.orderBy.map(orderItemFromProto);
  return {
    fn: message.function,
    args: message.arguments.map(expressionFromProto),
    distinct: message.distinct,
    ...(message.filter ? { filter: expressionFromProto(message.filter) } : {}),
    ...(orderBy.length > 0 ? { orderBy } : {}),
  };
}

export function orderItemToProto(item: OrderItem): type.OrderItem {
  const { descending, nullsFirst } = item;
  return { expression: expressionToProto(item.expr), descending, nullsFirst };
}

export function orderItemFromProto(message: type.OrderItem): OrderItem {
  const { descending, nullsFirst } = message;
  return { expr: expressionFromProto(message.expression), descending, nullsFirst };
}
