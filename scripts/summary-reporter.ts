import type { Reporter, TestModule } from 'vitest/node';

/**
 * Prints what was skipped and why, then one plain line that ends the run, for machines that read
 * totals: `12 passed, 0 failed, 1 skipped`. In CI a skipped test is a failure (see scripts/test.mjs).
 */
export default class SummaryLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    for (const module of modules) {
      let count = 0;
      for (const test of module.children.allTests()) {
        count++;
        const result = test.result();
        if (result.state === 'passed') passed++;
        else if (result.state === 'failed') failed++;
        else {
          skipped++;
          const note = result.state === 'skipped' && result.note ? ` (${result.note})` : '';
          console.log(`skipped: ${test.fullName}${note}`);
        }
      }
      if (count === 0 && module.state() === 'failed') failed++;
    }
    if (skipped > 0 && process.env['CI']) process.exitCode = 1;
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  }
}
