import type { Clock, Random } from '@tessera/base';
import type { BuildProgress, BuiltFile, Engine } from '@tessera/plugin';
import { type Content, type Disks, digestOf, rowCountOf } from './disk.ts';
import { dayOf, type FakeSource, type MonthRead, months, monthsIn, rowsOf } from './source.ts';

export interface EngineOptions {
  readonly source: FakeSource;
  readonly disks: Disks;
  readonly clock: Clock;
  readonly random: Random;
  /** Probability that a run does not listen when it is asked to stop. */
  readonly deafness: number;
}

/** An engine that takes its time, reads the source as it is at each moment, and leaves files in the staging directory. */
export function fakeEngine(options: EngineOptions): Engine {
  const { source, random, deafness } = options;
  const listening = (signal: AbortSignal) => (random.next() < deafness ? undefined : signal);
  return {
    async *build({ plan, outputDirectory }, signal) {
      const heard = listening(signal);
      for (const { id: segment, range } of plan.segments) {
        await work(options, heard);
        const reads = monthsIn(range).map((month) => ({ month, version: source.version }));
        const sourceRows = reads.reduce((sum, read) => sum + rowsOf(read), 0n);
        yield { kind: 'segment', segment, sourceRows, unmatchedRows: {} };
        for (const { layout } of plan.layouts) {
          yield write(options, outputDirectory, segment, { layout, reads });
        }
      }
    },
    async *merge({ segment, layouts, outputDirectory }, signal) {
      const heard = listening(signal);
      for (const { step, files } of layouts) {
        await work(options, heard);
        const reads = files.flatMap((file): readonly MonthRead[] => {
          const found = options.disks.read(file);
          if (found === undefined) throw new Error(`${file} vanished while it was merged`);
          return found;
        });
        yield write(options, outputDirectory, segment, { layout: step.layout, reads });
      }
    },
    extent: async ({ groups }) => ({
      ...(groups && {
        groups: months.map((month) => ({ minimum: dayOf(month), maximum: dayOf(month) })),
      }),
      rowCount: months.reduce((sum, month) => sum + rowsOf({ month, version: source.version }), 0n),
      nullRows: 0n,
      minimum: dayOf(months[0]),
      maximum: dayOf(months.at(-1)!),
    }),
    snapshot: async () => unused('snapshot'),
    sample: async () => unused('sample'),
  };
}

async function work({ clock, random }: EngineOptions, signal: AbortSignal | undefined) {
  await clock.sleep(random.integer(20, 1_500), signal);
}

/** Nobody stops an engine from writing into a directory that it was once given. */
function write(
  { disks }: EngineOptions,
  directory: string,
  segment: string,
  content: Content,
): Extract<BuildProgress, { kind: 'file' }> {
  const name = `${segment}-${content.layout}.parquet`;
  disks.staging(directory)?.files.set(name, content);
  const digest = digestOf(content);
  const file: BuiltFile = {
    file: name,
    rowCount: rowCountOf(content),
    sizeBytes: 1n,
    checksum: digest,
    fileDigest: digest,
    columns: [],
  };
  return { kind: 'file', segment, layout: content.layout, file };
}

function unused(what: string): never {
  throw new Error(`the model of the simulation needs no ${what}`);
}
