import type { TesseraClient } from '@tessera/client';

/** The neighbours of the scheduler. It remembers nothing itself: what must last is in metadata. */
export type SchedulerClients = TesseraClient;
