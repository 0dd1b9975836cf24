export { type Ds2Config, ds2Config } from './config.ts';
export { Ds2 } from './ds2.ts';
export { plugin } from './plugin.ts';
