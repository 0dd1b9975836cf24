import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openPainter } from './chart/png.ts';
import { drawingsOf, fileNameOf } from './drawings.ts';
import { reportUnwritable } from './errors.ts';
import { judgedTraces } from './losses.ts';
import { page } from './page.ts';
import type { SimulationResults } from './results.ts';

/** Makes the folder, so that hours of simulation do not end in one that cannot be. @throws REPORT_UNWRITABLE */
export async function makeReportFolder(folder: string): Promise<void> {
  const file = join(folder, 'index.html');
  await writing(file, async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(file, '', { flag: 'a' });
  });
}

/**
 * Writes `index.html`, which holds everything, and its pictures again as `overview.png` and one PNG for each trace.
 * Returns the path of the page. @throws REPORT_UNWRITABLE
 */
export async function writeReport(
  folder: string,
  title: string,
  results: SimulationResults,
): Promise<string> {
  await makeReportFolder(folder);
  const traces = judgedTraces(results);
  const drawings = drawingsOf(title, traces, results.strategies);
  const painter = await openPainter();
  const pictures = [['overview', drawings.overview] as const, ...drawings.courses];
  for (const [name, drawing] of pictures) {
    const file = join(folder, `${fileNameOf(name)}.png`);
    await writing(file, () => writeFile(file, painter.png(drawing)));
  }
  const file = join(folder, 'index.html');
  await writing(file, () => writeFile(file, page(title, results, traces, drawings)));
  return file;
}

async function writing(file: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    throw reportUnwritable(file, cause);
  }
}
