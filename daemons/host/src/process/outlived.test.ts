import { describe, expect, test } from 'vitest';
import type { MarkedProcess } from '../proc/members.ts';
import { specOf } from '../testing/specs.ts';
import { outlivedOf } from './outlived.ts';
import { created, runBegun } from './process-record.ts';

const first = runBegun(created('p', 'u', { requestId: '', spec: specOf(['x']), nowMs: 0 }), 0);
const active = runBegun(first, 0);
const ended = { ...active, isActive: false };
const marked = (mark: string): MarkedProcess => {
  return { pid: 1, state: 'S', groupId: 1, sessionId: 1, startTicks: 1, mark };
};

describe('outlivedOf', () => {
  test.each([
    { record: active, mark: 'u.1', isOutlived: true, why: 'an earlier run is over' },
    { record: active, mark: 'u.2', isOutlived: false, why: 'it is of the present run' },
    { record: ended, mark: 'u.2', isOutlived: true, why: 'the last run is over' },
    {
      record: ended,
      mark: 'u.3',
      isOutlived: false,
      why: 'a copy of the folder has begun that run',
    },
    { record: ended, mark: 'v.1', isOutlived: false, why: 'it is of another process' },
    { record: ended, mark: 'u.x', isOutlived: false, why: 'nobody marks so' },
  ])('$mark: $why', ({ record, mark, isOutlived }) => {
    const found = outlivedOf(record, [marked(mark)]);
    expect(found.map((one) => one.mark)).toEqual(isOutlived ? [mark] : []);
  });
});
