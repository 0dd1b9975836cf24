import { type FieldViolation, nearestName } from '@tessera/base';

/** Collects faults, so that a user sees all of them at once. */
export class Faults {
  readonly found: FieldViolation[] = [];

  add(field: string, description: string): void {
    this.found.push({ field, description });
  }

  required(field: string, value: string): void {
    if (value === '') this.add(field, 'must not be empty.');
  }

  unique(field: string, names: readonly string[], what: string): void {
    const seen = new Set<string>();
    for (const [i, name] of names.entries()) {
      if (seen.has(name))
        this.add(`${field}[${i}]`, `${what} ${JSON.stringify(name)} is there twice.`);
      seen.add(name);
    }
  }

  known(field: string, name: string, names: Iterable<string>, what: string): boolean {
    const all = [...names];
    if (all.includes(name)) return true;
    const near = nearestName(name, all);
    const hint = near === undefined ? '' : ` Did you mean ${JSON.stringify(near)}?`;
    this.add(field, `There is no ${what} ${JSON.stringify(name)}.${hint}`);
    return false;
  }
}
