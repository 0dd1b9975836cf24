import { noAddress } from '../errors.ts';

/**
 * The addresses that a list or a command line names: each may hold several with commas between them, and each counts once.
 * @throws NO_ADDRESS
 */
export function addressesOf(named: string | readonly string[]): readonly string[] {
  const all = (typeof named === 'string' ? [named] : named).flatMap((one) => one.split(','));
  const addresses = [...new Set(all.map((one) => one.trim()).filter((one) => one !== ''))];
  if (addresses.length === 0) throw noAddress();
  return addresses;
}
