import type { Content } from './markup.ts';
import { element, type Markup } from './markup.ts';
import { faint, ink } from './palette.ts';

/** As wide as is read without scrolling. */
export const chartWidth = 960;
export const fontFamily = 'Inter, system-ui, sans-serif';

/** A drawing that says its name to those who do not see it. */
export function drawing(title: string, height: number, ...content: readonly Content[]): Markup {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${chartWidth} ${Math.ceil(height)}`,
      width: chartWidth,
      height: Math.ceil(height),
      role: 'img',
      'aria-label': title,
      'font-family': fontFamily,
      'font-size': 12,
    },
    element('rect', { width: chartWidth, height: Math.ceil(height), fill: '#ffffff' }),
    ...content,
  );
}

interface LabelStyle {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly color?: string;
  readonly weight?: number;
  readonly size?: number;
  /** Keeps it readable upon lines. */
  readonly halo?: boolean;
}

export function label(
  x: number,
  y: number,
  text: string,
  { anchor, color = faint, weight, size, halo = false }: LabelStyle = {},
): Markup {
  const style = { 'text-anchor': anchor, fill: color, 'font-weight': weight, 'font-size': size };
  const outline = { stroke: '#ffffff', 'stroke-width': 4, 'paint-order': 'stroke' };
  return element('text', { x, y, ...style, ...(halo && outline) }, text);
}

export const heading = (x: number, y: number, text: string): Markup =>
  label(x, y, text, { color: ink, weight: 600, size: 13 });

interface LineStyle {
  readonly color: string;
  readonly width?: number;
  readonly dash?: string | undefined;
}

export const line = (
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  { color, width = 1, dash }: LineStyle,
): Markup =>
  element('line', {
    x1,
    y1,
    x2,
    y2,
    stroke: color,
    'stroke-width': width,
    'stroke-dasharray': dash,
  });

/** About how wide a text of the size of labels is. */
export const textWidth = (text: string): number => text.length * 6.6;
