import { malformedMessage } from '../errors.ts';

/** The two directions between a domain's words and an enum's numbers. */
export interface EnumPair<Word extends string> {
  toProto(word: Word): number;
  /** @throws MALFORMED_MESSAGE for a number that has no word. */
  fromProto(number: number): Word;
  /** 0 (UNSPECIFIED) for an absent word, and back. */
  optionalToProto(word: Word | undefined): number;
  optionalFromProto(number: number): Word | undefined;
}

export function enumPair<Word extends string>(
  what: string,
  numbers: Readonly<Record<Word, number>>,
): EnumPair<Word> {
  const words = new Map<number, Word>();
  for (const word of Object.keys(numbers) as Word[]) words.set(numbers[word], word);
  const fromProto = (number: number): Word => {
    const word = words.get(number);
    if (word === undefined) throw malformedMessage(`A ${what}`, `${number} is not known`);
    return word;
  };
  return {
    toProto: (word) => numbers[word],
    fromProto,
    optionalToProto: (word) => (word === undefined ? 0 : numbers[word]),
    optionalFromProto: (number) => (number === 0 ? undefined : fromProto(number)),
  };
}
