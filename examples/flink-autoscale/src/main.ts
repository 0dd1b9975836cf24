import { parseArgs } from 'node:util';
import { installedFlink } from '@tessera/testkit/flink';
import { endOnSignals, FlinkStage } from '@tessera/testkit/flink-stage';
import { Chart } from './chart.ts';
import { deployWaves } from './deploy-waves.ts';
import { momentOf } from './moment.ts';
import { linesOf, say, show } from './terminal.ts';

const hosts = 3;
/** Between two lines of the chart, seconds. */
const interval = 4;

/** Three hosts, the platform, a real Flink, and a job whose load rises and falls: what it does and how large it is, as both change. Ends by itself, or with Ctrl-C. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '360' } } });
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) throw new Error(`--seconds is ${values.seconds}: say for how long.`);
  installedFlink(); // Told before anything is started.
  say(`Starting the platform and ${hosts} hosts …`);
  const starting = FlinkStage.start(hosts);
  await using ending = endOnSignals(starting);
  await using stage = await starting;
  if (ending.hasBegun) return;
  const apart = 'Each host is a network namespace of its own.';
  const together = 'All hosts are on loopback: network namespaces need root.';
  say(`${stage.hasNetwork ? apart : together}\n\n$ tessera host list`);
  await show(stage.command('host', 'list'));
  const start = await deployWaves(stage, seconds);
  say(howToLook(stage.platform, seconds));
  await showChart(stage, start, seconds);
  say('\n$ tessera scale explain waves --changes\n');
  await show(stage.command('scale', 'explain', 'waves', '--changes'));
  say('\nEnding everything that was started …');
}

/** @param start of the load, milliseconds since 1970 */
async function showChart(stage: FlinkStage, start: number, seconds: number): Promise<void> {
  const top = stage.command('--json', 'flink', 'top', 'waves', '--interval', `${interval}`);
  const chart = new Chart();
  const forMs = start + seconds * 1_000 - Date.now();
  for await (const line of linesOf(top, { forMs })) {
    const moment = momentOf(line, 'waves', (Date.now() - start) / 1_000);
    say(chart.linesOf(moment).join('\n'));
  }
}

function howToLook(platform: string, seconds: number): string {
  return `
The load rises and falls for ${seconds} seconds; Ctrl-C ends everything. One subtask can
do 1,000/s. PARALLELISM '1 of 4': it has 1, and is to have 4. SLOTS: ■ the job's,
□ free. To look closer, in another terminal:

  export TESSERA_ADDRESS=${platform}
  npx tessera --insecure flink top waves
  npx tessera --insecure scale explain waves
`;
}

try {
  await main();
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
