import { isTesseraError } from '@tessera/base';
import type { CommandContext } from '@tessera/cli';
import { recordFromProto } from '@tessera/daemon';
import { type DecisionRecord, isEventful } from '@tessera/scaling';
import { readDecisions } from './decision-file.ts';
import { noDecisionsAt, nothingDecided, scaleOptionInvalid } from './errors.ts';
import { jobOf, whyNothing } from './undecided.ts';

/** A decision that was kept, before it is read. */
export interface DecisionEntry {
  readonly timeMs: number;
  /** By it something was changed, held back or failed. */
  readonly eventful: boolean;
  /** `undefined`: it has been forgotten since it was listed. */
  read(): Promise<DecisionRecord | undefined>;
}

/** Decisions of a job or a file. */
export interface DecisionSource {
  /** What they are of, as its user knows it. */
  readonly name: string;
  /** Oldest first; at least one. */
  readonly entries: readonly DecisionEntry[];
}

/** What a command is to look into: a job of the platform, or a file. */
export interface SourceOptions {
  readonly file?: string;
}

/**
 * @throws SCALE_OPTION_INVALID for none or both, FILE_UNREADABLE, SCALING_DECISION_INVALID, FLINK_JOB_NOT_FOUND,
 * SCALING_NOTHING_DECIDED
 */
export async function decisionSource(
  context: CommandContext,
  job: string | undefined,
  { file }: SourceOptions,
): Promise<DecisionSource> {
  if (file !== undefined && job !== undefined) {
    throw scaleOptionInvalid('--file', 'it takes the place of a job, so give one of them');
  }
  if (file !== undefined) return { name: file, entries: readDecisions(file).map(entryOf) };
  if (job === undefined) {
    throw scaleOptionInvalid('<job>', 'give the name of a job, or a file of decisions with --file');
  }
  return jobSource(context, job);
}

const entryOf = (record: DecisionRecord): DecisionEntry => ({
  timeMs: record.input.nowMs,
  eventful: isEventful(record),
  read: async () => record,
});

async function jobSource({ client }: CommandContext, given: string): Promise<DecisionSource> {
  const id = given.replace(/^flink-jobs\//, '');
  if (!/^[a-z0-9-]+$/.test(id)) {
    throw scaleOptionInvalid(
      '<job>',
      `${JSON.stringify(given)} is no name of a job; give a file of decisions with --file`,
    );
  }
  const name = `flink-jobs/${id}`;
  const job = await jobOf(client, name);
  const entries: DecisionEntry[] = [];
  let pageToken = '';
  do {
    const request = { parent: name, summaries: true, pageToken };
    const page = await client.flinkScalings.listScalingDecisions(request);
    for (const { name: decision, eventful } of page.scalingDecisions) {
      const timeMs = Number.parseInt(decision.slice(decision.lastIndexOf('/') + 1), 10);
      entries.push({ timeMs, eventful, read: () => readDecision(client, decision) });
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  if (entries.length === 0) throw nothingDecided(name, whyNothing(job));
  return { name: id, entries };
}

async function readDecision(
  { flinkScalings }: CommandContext['client'],
  name: string,
): Promise<DecisionRecord | undefined> {
  try {
    const { decision } = await flinkScalings.getScalingDecision({ name });
    return decision && recordFromProto(decision);
  } catch (error) {
    if (isTesseraError(error, 'SCALING_DECISION_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Which decisions a command is asked for. */
export interface Chosen {
  /** So many of the newest. */
  readonly last?: number;
  /** None after this time, in milliseconds since 1970. */
  readonly atMs?: number;
  /** Only eventful ones. */
  readonly changes: boolean;
}

/** Oldest first. @throws SCALING_DECISION_NOT_FOUND when all are later */
export function chosenEntries(
  { name, entries }: DecisionSource,
  { last = Infinity, atMs = Infinity, changes }: Chosen,
): readonly DecisionEntry[] {
  const until = entries.filter(({ timeMs }) => timeMs <= atMs);
  if (until.length === 0) throw noDecisionsAt(name, atMs, entries[0]!.timeMs);
  const wanted = changes ? until.filter(({ eventful }) => eventful) : until;
  return wanted.slice(-Math.min(last, wanted.length));
}

/** Those that are still there. */
export async function readAll(
  entries: readonly DecisionEntry[],
): Promise<readonly DecisionRecord[]> {
  const records: DecisionRecord[] = [];
  for (const entry of entries) {
    const record = await entry.read();
    if (record !== undefined) records.push(record);
  }
  return records;
}
