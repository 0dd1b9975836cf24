import type { BuildPlan, LayoutColumn } from '@tessera/cube';
import type { BuildProgress, BuiltFile, Engine, EngineInput } from '@tessera/plugin';
import { storage } from '@tessera/proto';
import { inChildSpan } from '@tessera/telemetry';
import type { SchedulerClients } from '../clients.ts';
import { buildIncomplete, rowsDisagree } from '../errors.ts';
import type { Progress } from '../operations/progress.ts';
import type { StoredParents } from './stored-parents.ts';

/** A layout's file in the store, with what the engine says of it. */
export interface StoredLayout {
  readonly segment: string;
  readonly layout: string;
  readonly file: string;
  readonly rowCount: bigint;
  readonly sizeBytes: bigint;
  readonly checksum: string;
  readonly fileDigest: string;
  readonly columns: readonly LayoutColumn[];
}

export interface StoredDictionary {
  readonly name: string;
  readonly file: string;
  /** Entries, and bytes of the file. */
  readonly size: bigint;
  readonly sizeBytes: bigint;
  readonly fileDigest: string;
}

/** What one pass over the source gave: everything is in the store and verified, nothing is published. */
export interface PassOutcome {
  readonly layouts: readonly StoredLayout[];
  readonly dictionaries: readonly StoredDictionary[];
  readonly sourceRows: Readonly<Record<string, bigint>>;
  readonly unmatchedRows: Readonly<Record<string, Readonly<Record<string, bigint>>>>;
  readonly rejectedRows: bigint;
}

/** The outcome of a pass over segments that are known to have no rows. */
export function nothingRead(rejectedRows: bigint): PassOutcome {
  return { layouts: [], dictionaries: [], sourceRows: {}, unmatchedRows: {}, rejectedRows };
}

export interface EnginePass {
  readonly cube: string;
  /** Idempotency key: names the staging directory. */
  readonly key: string;
  readonly plan: BuildPlan;
  readonly inputs: Readonly<Record<string, EngineInput>>;
  /** Absolute paths of the newest dictionaries, by name. */
  readonly dictionaries: Readonly<Record<string, string>>;
  /** Where the plan is computed from layouts that the segments have already. */
  readonly stored: StoredParents;
  readonly memoryLimitBytes: number;
}

/**
 * Runs a build plan and takes its files into the store. May be repeated after a crash: the engine starts its unit
 * over in the same staging directory, and the store takes the same files once.
 * @throws what the engine throws; BUILD_INCOMPLETE or ROW_COUNTS_DISAGREE when its report does not fit the plan;
 * INGEST_MISMATCH when a file is not what was reported.
 */
export async function runEnginePass(
  pass: EnginePass,
  clients: Pick<SchedulerClients, 'storage'>,
  engine: Engine,
  progress: Progress,
  signal: AbortSignal,
): Promise<PassOutcome> {
  const { ingest, stagingDirectory } = await clients.storage.prepareIngest({
    cube: pass.cube,
    key: pass.key,
  });
  const report = new PassReport();
  const events = engine.build(
    {
      plan: pass.plan,
      inputs: pass.inputs,
      dictionaries: pass.dictionaries,
      stored: pass.stored.paths,
      outputDirectory: stagingDirectory,
      memoryLimitBytes: pass.memoryLimitBytes,
    },
    signal,
  );
  const { layouts, segments } = pass.plan;
  const size = { 'tessera.cuboids': layouts.length, 'tessera.segments': segments.length };
  await inChildSpan('engine.build', size, async () => {
    for await (const event of events) {
      report.add(event);
      showProgress(event, report, pass.plan, progress);
    }
  });
  report.check(pass.plan, pass.stored);
  progress.advance({ phase: 'VERIFY', step: 'verifying files' });
  const stored = await clients.storage.commitIngest({ ingest, files: report.ingestFiles() });
  return report.outcome(stored.files.map(({ file }) => file));
}

function showProgress(
  event: BuildProgress,
  report: PassReport,
  plan: BuildPlan,
  progress: Progress,
): void {
  if (event.kind === 'progress') {
    const { rowsDone, rowsTotal, bytesWritten } = event;
    progress.update({ phase: 'CUBOIDS', step: event.phase, rowsDone, rowsTotal, bytesWritten });
  } else if (event.kind === 'file') {
    const total = plan.layouts.length * plan.segments.length;
    progress.advance({ phase: 'CUBOIDS', step: `cuboid ${report.files.length} of ${total}` });
  }
}

/** What the engine has reported so far. */
class PassReport {
  readonly files: {
    readonly segment: string;
    readonly layout: string;
    readonly file: BuiltFile;
  }[] = [];
  readonly #dictionaries: StoredDictionary[] = [];
  readonly #sourceRows: Record<string, bigint> = {};
  readonly #unmatchedRows: Record<string, Readonly<Record<string, bigint>>> = {};
  #rejectedRows = 0n;

  add(event: BuildProgress): void {
    switch (event.kind) {
      case 'file':
        this.files.push(event);
        break;
      case 'segment':
        this.#sourceRows[event.segment] = event.sourceRows;
        this.#unmatchedRows[event.segment] = event.unmatchedRows;
        break;
      case 'source':
        this.#rejectedRows += event.rejectedRows;
        break;
      case 'dictionary':
        this.#dictionaries.push(event);
        break;
      case 'progress':
        break;
    }
  }

  /** Every layout of every segment is there, and none has more rows than what it was computed from. */
  check(plan: BuildPlan, stored: StoredParents): void {
    const found = new Map(this.files.map((item) => [`${item.segment}/${item.layout}`, item.file]));
    for (const { id: segment } of plan.segments) {
      for (const { layout, kind, parent, stored: from, dimensions } of plan.layouts) {
        const file = found.get(`${segment}/${layout}`);
        const rows =
          parent !== undefined
            ? found.get(`${segment}/${parent}`)?.rowCount
            : from !== undefined
              ? stored.rowCounts[segment]?.[from.layout]
              : this.#sourceRows[segment];
        if (file === undefined || rows === undefined) throw buildIncomplete(segment, layout);
        const grouped = kind === 'rows' && dimensions.length === 0;
        const most = grouped && rows > 0n ? 1n : rows;
        if (file.rowCount > most) throw rowsDisagree(segment, layout, file.rowCount, most);
      }
    }
  }

  ingestFiles(): storage.IngestFile[] {
    const layouts = this.files.map(({ segment, layout, file }) => ({
      stagedPath: file.file,
      kind: storage.StoredFileKind.STORED_FILE_KIND_LAYOUT,
      segment,
      id: layout,
      fileDigest: file.fileDigest,
      sizeBytes: file.sizeBytes,
      rowCount: file.rowCount,
    }));
    const dictionaries = this.#dictionaries.map((dictionary) => ({
      stagedPath: dictionary.file,
      kind: storage.StoredFileKind.STORED_FILE_KIND_DICTIONARY,
      segment: '',
      id: dictionary.name,
      fileDigest: dictionary.fileDigest,
      sizeBytes: dictionary.sizeBytes,
      rowCount: dictionary.size,
    }));
    return [...layouts, ...dictionaries];
  }

  outcome(storedFiles: readonly string[]): PassOutcome {
    return {
      layouts: this.files.map(({ segment, layout, file }, i) => ({
        ...file,
        segment,
        layout,
        file: storedFiles[i]!,
      })),
      dictionaries: this.#dictionaries.map((dictionary, i) => ({
        name: dictionary.name,
        size: dictionary.size,
        sizeBytes: dictionary.sizeBytes,
        fileDigest: dictionary.fileDigest,
        file: storedFiles[this.files.length + i]!,
      })),
      sourceRows: this.#sourceRows,
      unmatchedRows: this.#unmatchedRows,
      rejectedRows: this.#rejectedRows,
    };
  }
}
