import { type TesseraClient, wait } from '@tessera/client';
import { scheduler } from '@tessera/proto';
import { cube } from '../sales.ts';

/** What a platform is killed at. */
export type Work = 'build' | 'merge' | 'plan';

/** Asks for the work, and ends when it has. */
export async function doWork({ builds, operations }: TesseraClient, work: Work): Promise<void> {
  switch (work) {
    case 'build':
      await wait(operations, await builds.buildSegments({ cube }), {
        response: scheduler.BuildSegmentsResponse,
      });
      return;
    case 'merge': {
      const segments = ['2024-01', '2024-02'].map((id) => `${cube}/segments/${id}`);
      await wait(operations, await builds.mergeSegments({ cube, segments }), {
        response: scheduler.BuildSegmentsResponse,
      });
      return;
    }
    case 'plan': {
      const queries = [
        { sql: 'select channel, sum(amount) from sales group by channel', weight: 5 },
        { sql: 'select item, count(*) from sales group by item', weight: 1 },
      ];
      const asked = { cube, queries, budget: '64MB', ignoreQueryLog: true, apply: true };
      await wait(operations, await builds.planCube(asked), {
        response: scheduler.PlanCubeResponse,
      });
    }
  }
}
