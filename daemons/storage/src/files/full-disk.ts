/**
 * Run by a test in a process that may not write more than a few blocks into any file: what a full disk is to a
 * program. Prepares an ingest and scans a stored layout. Arguments: folder, scan plan as JSON. Prints the outcomes.
 */
import type { ScanPlan } from '@tessera/cube';
import { composeStorage } from '../composition.ts';
import { FileStore } from './file-store.ts';

const [folder, planJson] = process.argv.slice(2) as [string, string];
const plan = JSON.parse(planJson) as ScanPlan;
const events: string[] = [];
const note = (fields: Readonly<Record<string, unknown>>, event: string) =>
  void events.push(`${event}: ${fields['error']}`);
const log = { debug: note, info: note, warn: note, error: note, child: () => log };
await using storage = await composeStorage({ directory: folder }, { log });

const files = new FileStore(folder, async () => 0n);
const long = 'k'.repeat(2_000_000);
const prepared = await files.prepareIngest(plan.cube, long).then(
  () => 'no failure',
  (error: { readonly reason?: string }) => error.reason,
);
const signal = new AbortController().signal;
async function scanned(): Promise<number> {
  let read = 0;
  for await (const batch of storage.scanner.scan(plan, { parameters: [], signal })) {
    read += batch.rowCount;
  }
  return read;
}
const counts = [await scanned()];
const segments = plan.segments.map(({ id, fileDigest }) => ({
  cube: plan.cube,
  layout: plan.layout,
  segment: id,
  fileDigest,
}));
const warm = await storage.daemon.warmUp(segments, signal).then(
  ({ loadedFiles }) => `loaded ${loadedFiles}`,
  (error: { readonly reason?: string }) => error.reason,
);
counts.push(await scanned(), await scanned());
console.log(JSON.stringify({ prepared, counts, warm, events }));
