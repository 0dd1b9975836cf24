import { join } from 'node:path';
import { packFlink } from '@tessera/testkit/flink';
import type { FlinkStage } from '@tessera/testkit/flink-stage';

/** Puts Flink and the load job on every host, as users do. Gives their digests. @throws Error when they are not installed */
export async function putFlink(
  stage: FlinkStage,
): Promise<{ readonly bundle: string; readonly jar: string }> {
  const { tarball, sha512, loadJob } = await packFlink(join(stage.folder, 'flink.tar'));
  const onAll = ['--copies', String(stage.hostCount)];
  const of = ['--tarball', tarball, '--sha512', sha512];
  const fetched = await stage.tessera('--json', 'flink', 'fetch', ...of, ...onAll);
  const put = await stage.tessera('--json', 'artifact', 'put', loadJob, ...onAll);
  return { bundle: digestIn(fetched), jar: digestIn(put) };
}

function digestIn(printed: string): string {
  return (JSON.parse(printed) as { readonly digest: string }).digest;
}
