/** Certificates for tests, by an authority of their own. */
export { Authority, hasOpenSsl, type Issued } from './authority.ts';
