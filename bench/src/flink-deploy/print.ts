import { formatTable } from '@tessera/cli';
import { median } from '../statistics.ts';
import type { Blow } from './blows.ts';
import { marks } from './deploy.ts';
import { dealt, figuresOf, type Round } from './round.ts';

const columns = ['WHAT', 'ALL RUN AFTER S', 'BY HAND', 'LONGEST GAP S', 'BY HAND'];

export function printRounds(rounds: readonly Round[]): void {
  console.log('From apply until, in seconds:\n');
  const times = marks.map((mark) => [
    mark,
    ...rounds.map(({ timeline }) => seconds(timeline.get(mark))),
  ]);
  console.log(formatTable(['UNTIL', ...rounds.map((_, i) => `RUN ${i + 1}`)], times));
  const struck = dealt(rounds);
  if (struck.length > 0) {
    console.log('\nMedians, beside the same done by hand:\n');
    console.log(
      formatTable(
        columns,
        struck.map((blow) => rowOf(blow, rounds)),
      ),
    );
  }
  for (const { verdict } of rounds) {
    const { lines, lost, doubled, wrongStates } = verdict;
    console.log(
      `Sink: ${lines} records, ${lost} lost, ${doubled} doubled, ${wrongStates} states wrong.`,
    );
  }
}

function rowOf({ name, byHand }: Blow, rounds: readonly Round[]): string[] {
  const all = figuresOf(rounds, name);
  const running = median(all.map(({ runningSeconds }) => runningSeconds));
  const gap = median(all.map(({ gapSeconds }) => gapSeconds));
  return [name, ...[running, byHand.running, gap, byHand.gap].map(seconds)];
}

function seconds(value: number | undefined): string {
  return value?.toFixed(1) ?? '';
}
