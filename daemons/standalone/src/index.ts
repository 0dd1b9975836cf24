/** The platform in one process: all daemons, bound to each other without sockets. */
export { type PlatformConfig, platformDefaults } from './config.ts';
export { type Platform, type PlatformSeams, startPlatform } from './platform.ts';
export { createStandaloneProgram } from './up.ts';
