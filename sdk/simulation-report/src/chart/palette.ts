import type { SymbolType } from 'd3-shape';
import { symbolCircle, symbolCross, symbolDiamond, symbolSquare, symbolTriangle } from 'd3-shape';

/** How one strategy looks wherever it is drawn: told apart by colour, by dashes and by shape. */
export interface Look {
  readonly color: string;
  /** As of `stroke-dasharray`; undefined for an unbroken line. */
  readonly dash: string | undefined;
  readonly symbol: SymbolType;
}

/** Okabe and Ito's colours, which people see as different however they see colours. */
const looks: readonly Look[] = [
  { color: '#0072b2', dash: undefined, symbol: symbolCircle },
  { color: '#d55e00', dash: undefined, symbol: symbolSquare },
  { color: '#009e73', dash: '7 3', symbol: symbolTriangle },
  { color: '#cc79a7', dash: '2 2', symbol: symbolDiamond },
  { color: '#e69f00', dash: '9 3 2 3', symbol: symbolCross },
  { color: '#56b4e9', dash: '4 2', symbol: symbolCircle },
];

/** By the strategy's place in the list. */
export const lookOf = (place: number): Look => looks[place % looks.length]!;

export const ink = '#1b1f24';
export const faint = '#59636e';
export const grid = '#d9dee3';
export const warning = '#a40e26';
export const warningGround = '#fff0ee';
export const loadFill = '#c9d1d9';
