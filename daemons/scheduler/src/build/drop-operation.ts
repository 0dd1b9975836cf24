import { resourceIdOf } from '@tessera/base';
import { type Any, scheduler } from '@tessera/proto';
import { nothingInRange } from '../errors.ts';
import type { OperationContext, OperationKind } from '../operations/operation.ts';
import type { BuildDependencies } from './build-operation.ts';
import { type ObservedCube, observeSegments } from './observe.ts';
import { requestIdOf } from './publish.ts';

const responseType = 'type.googleapis.com/tessera.scheduler.v1.DropSegmentsResponse';

/** Retires segments: queries read the source instead from then on. */
export class DropOperation implements OperationKind {
  readonly kind = 'drop';
  readonly #deps: BuildDependencies;

  constructor(deps: BuildDependencies) {
    this.#deps = deps;
  }

  async run({ record, journal }: OperationContext): Promise<Any> {
    const cube = await observeSegments(this.#deps.clients, record.target);
    const request = scheduler.DropSegmentsRequest.decode(record.request!.value);
    const ids = await journal.step(
      'decide',
      () => null,
      () => Promise.resolve(segmentsAsked(cube, request)),
    );
    await journal.step(
      'retire',
      () => null,
      async () => {
        await retireSegments(this.#deps, cube, ids, record.name);
        return null;
      },
    );
    const response = scheduler.DropSegmentsResponse.fromPartial({ segments: ids });
    const value = Buffer.from(scheduler.DropSegmentsResponse.encode(response).finish());
    return { typeUrl: responseType, value };
  }

  async cleanUp(): Promise<void> {}
}

type SegmentsOfCube = Pick<ObservedCube, 'name' | 'segments' | 'segmentEtags'>;

function segmentsAsked(cube: SegmentsOfCube, request: scheduler.DropSegmentsRequest): string[] {
  const { segments, startMicros, endMicros } = request;
  const named = new Set(segments.map(resourceIdOf));
  const ids = cube.segments
    .filter(({ id, range }) => {
      if (named.size > 0) return named.has(id);
      if (startMicros === undefined && endMicros === undefined) return true;
      if (range.kind !== 'range') return false;
      return range.start >= (startMicros ?? range.start) && range.end <= (endMicros ?? range.end);
    })
    .map(({ id }) => id);
  if (ids.length === 0) throw nothingInRange(cube.name);
  return ids;
}

/** One transaction that takes the segments out of every later query. */
export async function retireSegments(
  deps: BuildDependencies,
  cube: SegmentsOfCube,
  ids: readonly string[],
  operation: string,
): Promise<void> {
  const retire = ids
    .filter((id) => cube.segmentEtags.has(id)) // Gone already: this step is taken a second time.
    .map((id) => ({ name: `${cube.name}/segments/${id}`, etag: cube.segmentEtags.get(id)! }));
  if (retire.length === 0) return;
  await deps.clients.segments.publishSegments({
    parent: cube.name,
    retire,
    requestId: requestIdOf(
      `${operation}/retire`,
      ids.map((id) => ({ id })),
    ),
  });
}
