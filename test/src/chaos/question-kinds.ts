import type { PlanKind } from '@tessera/client';

/** What a question is made of, as far as it is answered by other means than the rest. */
export const questionKinds = [
  'restricted user',
  'distinct count',
  'top k',
  'lookup join',
  'range filter',
] as const;
export type QuestionKind = (typeof questionKinds)[number];

const patterns: Readonly<Partial<Record<QuestionKind, RegExp>>> = {
  'distinct count': /\bcount\(distinct /,
  'top k': / order by .* limit \d+/,
  'lookup join': /\bfact f\b.*(?:\bjoin|,) l[abcd] /,
  'range filter': / (?:between|<|<=|>|>=) /,
};

/** All that apply to a statement. */
export function kindsOf(sql: string): readonly QuestionKind[] {
  return questionKinds.filter((kind) => patterns[kind]?.test(sql));
}

interface Counts {
  asked: number;
  answered: number;
  /** Of those that were answered: cuboids took part in them. */
  fromCuboids: number;
}

/** How many questions of each kind were asked, and how they were answered. */
export class QuestionTally {
  readonly #all = none();
  readonly #byKind = new Map<QuestionKind, Counts>(questionKinds.map((kind) => [kind, none()]));

  get all(): Readonly<Counts> {
    return this.#all;
  }

  /** Share of the answers that cuboids took part in. */
  get cuboidShare(): number {
    return this.#all.fromCuboids / Math.max(1, this.#all.answered);
  }

  of(kind: QuestionKind): Readonly<Counts> {
    return this.#byKind.get(kind)!;
  }

  asked(kinds: readonly QuestionKind[]): void {
    for (const counts of this.#of(kinds)) counts.asked++;
  }

  answered(kinds: readonly QuestionKind[], plan: PlanKind): void {
    const fromCuboids = plan === 'cuboid' || plan === 'mixed';
    for (const counts of this.#of(kinds)) {
      counts.answered++;
      if (fromCuboids) counts.fromCuboids++;
    }
  }

  toString(): string {
    const rows = [['all', this.#all] as const, ...this.#byKind];
    return rows
      .map(([kind, { asked, answered, fromCuboids }]) => {
        return `${kind}: ${asked} asked, ${answered} answered, ${fromCuboids} from cuboids`;
      })
      .join('\n');
  }

  #of(kinds: readonly QuestionKind[]): readonly Counts[] {
    return [this.#all, ...kinds.map((kind) => this.#byKind.get(kind)!)];
  }
}

function none(): Counts {
  return { asked: 0, answered: 0, fromCuboids: 0 };
}
