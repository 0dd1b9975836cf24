/** Bundles of Apache Flink: what hosts start it from, made of packages or of a distribution, compared with what was published. */
export { type Bundle, type BundleRequest, defaultVersion, makeBundle } from './make-bundle.ts';
export type { Tarball } from './read-tarball.ts';
