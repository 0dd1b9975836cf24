import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Contact } from './contact.ts';
import { readDeadline } from './deadline-file.ts';

let folder: string;
let file: string;
let nowMs: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-contact-'));
  file = join(folder, 'contact');
  nowMs = 1_000_000;
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = () => new Contact({ file, cutOffAfterMs: 30_000, upMs: () => nowMs });

test('a host is in touch for so long after the last heartbeat was sent that was confirmed', () => {
  using contact = open();
  expect(contact.isCutOff).toBe(true);
  const sentMs = contact.sending();
  nowMs += 2_000;
  contact.confirmed(sentMs);
  nowMs += 28_000;
  expect(contact.isCutOff).toBe(false);
  nowMs += 1;
  expect(contact.isCutOff).toBe(true);
});

test('the daemon of another life goes on counting, but not after another boot', () => {
  using before = open();
  before.confirmed(before.sending());
  nowMs += 20_000;
  using after = open();
  expect(after.isCutOff).toBe(false);
  nowMs += 10_001;
  expect(after.isCutOff).toBe(true);
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replace(/^[^ ]+/, (boot) => boot.replace(/./g, '0')),
  );
  nowMs -= 20_000;
  using rebooted = open();
  expect(rebooted.isCutOff).toBe(true);
});

test('what was to end has ended before contact is made again, however late that is noticed', () => {
  using contact = open();
  const ended: (number | undefined)[] = [];
  contact.onCutOff(() => ended.push(readDeadline(file)));
  contact.confirmed(contact.sending());
  contact.check();
  const deadlineMs = nowMs + 30_000;
  nowMs = deadlineMs;
  contact.confirmed(contact.sending());
  const first = ended.length;
  nowMs += 30_001;
  contact.confirmed(contact.sending());
  expect({ first, ended }).toEqual({ first: 1, ended: [undefined, deadlineMs + 30_000] });
});

test.each(['', 'nonsense', 'a b c', '\0'.repeat(60)])('nothing is read from %j', (text) => {
  writeFileSync(file, text);
  using contact = open();
  expect(contact.isCutOff).toBe(true);
});
