import { Code, type FieldViolation, TesseraError } from '@tessera/base';

/** Failures of models, cubes and their YAML. Reasons are never renamed. */

/** YAML whose shape or names are wrong: every violation with its position. */
export function resourceInvalid(violations: readonly FieldViolation[]): TesseraError {
  return withViolations('RESOURCE_INVALID', 'The file cannot be applied', violations);
}

/** A model that names what does not exist, or means nothing. */
export function modelInvalid(name: string, violations: readonly FieldViolation[]): TesseraError {
  return withViolations('MODEL_INVALID', `Model ${name} cannot be applied`, violations, {
    model: name,
  });
}

/** A cube whose groups, planner or segments do not fit its model. */
export function cubeInvalid(name: string, violations: readonly FieldViolation[]): TesseraError {
  return withViolations('CUBE_INVALID', `Cube ${name} cannot be applied`, violations, {
    cube: name,
  });
}

export function yamlTooLarge(file: string, what: string, limit: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'YAML_TOO_LARGE',
    message: `${file} has more than ${limit} ${what}; split it into several files.`,
    metadata: { file, limit: String(limit), what },
  });
}

/** A few aliases are fine; ones that multiply the document are not. */
export function yamlAliases(file: string, limit: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'YAML_ALIASES',
    message: `${file} grows beyond ${limit} nodes through its aliases; write the values out.`,
    metadata: { file, limit: String(limit) },
  });
}

export function yamlTooDeep(file: string, limit: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'YAML_TOO_DEEP',
    message: `${file} nests maps or lists more than ${limit} deep; no resource needs that.`,
    metadata: { file, limit: String(limit) },
  });
}

export function tooManyCuboids(limit: number, group?: number): TesseraError {
  const where = group === undefined ? 'The cube' : `groups[${group}]`;
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'TOO_MANY_CUBOIDS',
    message: `${where} would keep more than ${limit} cuboids; make dimensions mandatory or joint, or lower maxDimensions.`,
    metadata: { limit: String(limit), ...(group === undefined ? {} : { group: String(group) }) },
  });
}

export function tooManySegments(count: bigint, limit: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'TOO_MANY_SEGMENTS',
    message: `The source's time range needs ${count} segments, more than ${limit}; use a longer segments.every, or correct wild dates in the source.`,
    metadata: { count: String(count), limit: String(limit) },
  });
}

export function budgetInvalid(budget: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BUDGET_INVALID',
    message: `${JSON.stringify(budget)} is not a budget; give a part of the source such as 0.2x, or bytes such as 512MB.`,
    metadata: { budget },
  });
}

export function timeZoneUnknown(zone: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'TIME_ZONE_UNKNOWN',
    message: `${JSON.stringify(zone)} is not a time zone; use an IANA name such as Europe/Berlin.`,
    metadata: { zone },
  });
}

/** A partition column holds something that its declared format does not read. */
export function partitionValueInvalid(value: string, format: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'PARTITION_VALUE_INVALID',
    message: `The partition column holds ${JSON.stringify(value)}, which is not a date of format ${format}; correct partition.format or the data.`,
    metadata: { value, format },
  });
}

function withViolations(
  reason: string,
  title: string,
  violations: readonly FieldViolation[],
  metadata: Readonly<Record<string, string>> = {},
): TesseraError {
  const lines = violations.map((one) => [...placeOf(one), one.description].join(': '));
  const message = lines.length === 1 ? `${title}: ${lines[0]}` : `${title}:\n${lines.join('\n')}`;
  return new TesseraError({ code: Code.INVALID_ARGUMENT, reason, message, metadata, violations });
}

/** As far as it is known: YAML that cannot be read is wrong in no field. */
function placeOf({ file, line, column, field }: FieldViolation): readonly string[] {
  const position = line === undefined ? '' : `:${line}:${column ?? 1}`;
  const place = file === undefined ? '' : `${file}${position}`;
  return [place, field].filter((part) => part !== '');
}
