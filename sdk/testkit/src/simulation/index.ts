/** Deterministic simulation: one queue of happenings, lives of processes, and a network that misbehaves. */
export { Life } from './life.ts';
export { fairWeather, type Host, Network, unavailable, type Weather } from './network.ts';
export { type RemoteCalls, remoteClients, type ServingHost } from './remote-clients.ts';
export { runInBlocks, type Schedules } from './run-blocks.ts';
export { World } from './world.ts';
