/** The host daemon: one machine, its artifacts and processes. */
export { type ComposedHost, composeHost, type HostDependencies } from './composition.ts';
export { type HostConfig, type HostConfigInput, hostConfig } from './config.ts';
export { type HostAddresses, type RunningHost, runHost } from './run-host.ts';
