import type { MeasurePart, Model } from '../model.ts';

/** The measure columns of a model, each once. */
export function partsOfModel(model: Model): readonly MeasurePart[] {
  const parts = model.measures.flatMap((measure) => measure.parts);
  return [...new Map(parts.map((part) => [part.column, part])).values()];
}
