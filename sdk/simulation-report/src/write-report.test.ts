import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { drawing, label } from './chart/frame.ts';
import { openPainter } from './chart/png.ts';
import { drawnExample, measured, resultsOf, traceOf } from './fixture.ts';
import { makeReportFolder, writeReport } from './write-report.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-report-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const won = traceOf('two rates', { ours: measured(102), theirs: measured(150) }, drawnExample);
const lost = traceOf('a <b> & "c"', { ours: measured(150), theirs: measured(102) }, drawnExample);

const pageOf = async (name: string, results = resultsOf([won, lost])) =>
  readFileSync(await writeReport(join(folder, name), 'A title', results), 'utf8');

describe('a report', () => {
  test('is one page that asks nothing of a network, and its pictures', async () => {
    const page = await pageOf('whole');
    const asked = page.replaceAll('http://www.w3.org/2000/svg', '');
    expect(asked).not.toMatch(/https?:|<script|<link|<img|@import|url\(/);
    expect(page.match(/<svg/g)).toHaveLength(3);
    const files = readdirSync(join(folder, 'whole')).sort();
    expect(files).toEqual(['a-b-c-.png', 'index.html', 'overview.png', 'two-rates.png']);
    for (const file of files.filter((each) => each.endsWith('.png'))) {
      const bytes = readFileSync(join(folder, 'whole', file));
      expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
      expect(bytes.readUInt32BE(16)).toBe(2 * 960);
    }
  });

  test('names lost traces first and says why', async () => {
    const page = await pageOf('lost');
    expect(page).toContain('Where ours loses: 1 of 2 traces');
    expect(page).toContain("theirs needs 1.02 times the oracle's slot-hours");
    expect(page.indexOf('<h2>Lost: a ')).toBeLessThan(page.indexOf('<h2>two rates'));
    expect(page.indexOf('<h2>Lost: a ')).toBeGreaterThan(0);
  });

  test('shows names as text, whatever is in them', async () => {
    const page = await pageOf('names');
    expect(page).not.toContain('a <b>');
    expect(page).toContain('a &#60;b&#62; &#38; &#34;c&#34;');
  });

  test.each([
    { seeds: [101, 102, 103], says: ['Test seeds 101–103: nothing was tuned on them'] },
    { seeds: [1], says: ['Training seed 1: strategies were tuned on them'] },
    { seeds: [1, 2, 101, 77], says: ['Test seed 101', 'Training seeds 1–2', 'Other seed 77'] },
  ])('tells test seeds from training seeds: $seeds', async ({ seeds, says }) => {
    const page = await pageOf('seeds', resultsOf([won], seeds));
    for (const words of says) expect(page).toContain(words);
  });

  test('that cannot be written says so before anything is simulated', async () => {
    const file = join(folder, 'taken');
    writeFileSync(file, '');
    await expect(makeReportFolder(file)).rejects.toMatchObject({ reason: 'REPORT_UNWRITABLE' });
  });
});

test('text is painted in the pictures, by fonts that come along', async () => {
  const painter = await openPainter();
  const painted = (text: string) => painter.png(drawing('', 40, label(10, 20, text)));
  expect(painted('Slots paid for').length).toBeGreaterThan(1.5 * painted('').length);
});
