/** tessera.type.v1: types, values, expressions and batches: what travels in every other package. */
export * from './gen/tessera/type/v1/data_type.ts';
export * from './gen/tessera/type/v1/expression.ts';
export * from './gen/tessera/type/v1/fault_positions.ts';
export * from './gen/tessera/type/v1/record_batch.ts';
export * from './gen/tessera/type/v1/value.ts';
