import type { A_Const } from '@pgsql/types';
import type { BindContext } from './bind-context.ts';
import { microsPerDay, offsetAt } from './calendar.ts';
import { brokenRule } from './errors.ts';
import type { Expr } from './expression.ts';
import { lit } from './literal.ts';
import { parseDecimal } from './parse-literal.ts';
import { type } from './types.ts';

/** A literal of the text. String literals and NULL are untyped until their context types them. */
export function bindConstant(ctx: BindContext, constant: A_Const): Expr {
  const { location } = constant;
  if (constant.isnull) return ctx.located(lit.null(), location);
  if (constant.ival !== undefined) return ctx.located(lit.int(constant.ival.ival ?? 0), location);
  if (constant.boolval !== undefined) {
    return ctx.located(lit.boolean(constant.boolval.boolval ?? false), location);
  }
  if (constant.sval !== undefined) {
    return ctx.located(lit.of(type.unknown, constant.sval.sval ?? ''), location);
  }
  if (constant.fval !== undefined) return bindNumber(ctx, constant.fval.fval ?? '0', location);
  throw ctx.unsupported('A bit string', location);
}

function bindNumber(ctx: BindContext, text: string, location: number | undefined): Expr {
  const integer = wholeNumber(text);
  if (integer !== undefined && BigInt.asIntN(64, integer) === integer) {
    return ctx.located(lit.bigint(integer), location);
  }
  const decimal =
    integer === undefined ? parseDecimal(text.replaceAll('_', '')) : parseDecimal(`${integer}`);
  if (decimal === undefined) {
    throw brokenRule(
      'NUMERIC_OVERFLOW',
      `The number ${text.slice(0, 60)} has more than 38 digits`,
      ctx.at(location),
    );
  }
  return ctx.located(lit.numeric(decimal.unscaled, decimal.scale), location);
}

function wholeNumber(text: string): bigint | undefined {
  const digits = text.replaceAll('_', '');
  if (!/^[+-]?(\d+|0x[0-9a-f]+|0o[0-7]+|0b[01]+)$/i.test(digits)) return undefined;
  return digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits.replace('+', ''));
}

/** current_date and the like: constants of the settings' clock and zone. */
export function bindNow(
  ctx: BindContext,
  op: string | undefined,
  location: number | undefined,
): Expr {
  const { now, timeZone } = ctx.settings;
  const local = now + offsetAt(now, timeZone);
  const timeOfDay = ((local % microsPerDay) + microsPerDay) % microsPerDay;
  switch (op) {
    case 'SVFOP_CURRENT_DATE':
      return ctx.located(lit.date(Number((local - timeOfDay) / microsPerDay)), location);
    case 'SVFOP_CURRENT_TIMESTAMP':
      return ctx.located(lit.timestamptz(now), location);
    case 'SVFOP_LOCALTIMESTAMP':
      return ctx.located(lit.timestamp(local), location);
    case 'SVFOP_LOCALTIME':
      return ctx.located(lit.of(type.time, timeOfDay), location);
    default:
      throw ctx.unsupported((op ?? 'This value').replace('SVFOP_', ''), location);
  }
}
