/** A piece of HTML or SVG in which everything that was text is escaped. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | readonly Content[];

/** An element; strings in it are text, not markup. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
  ...content: readonly Content[]
): Markup {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => ` ${key}="${escaped(typeof value === 'number' ? rounded(value) : value!)}"`,
    )
    .join('');
  const inner = content.map(markupOf).join('');
  return new Markup(`<${name}${written}>${inner}</${name}>`);
}

function markupOf(content: Content): string {
  if (typeof content === 'string') return escaped(content);
  if (content instanceof Markup) return content.text;
  return content.map(markupOf).join('');
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** A tenth of a point cannot be seen. */
const rounded = (value: number) => String(Math.round(value * 10) / 10);
