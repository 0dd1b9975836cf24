import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { initWasm, Resvg } from '@resvg/resvg-wasm';
import type { Markup } from './markup.ts';

const fonts = [
  '@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf',
  '@expo-google-fonts/inter/600SemiBold/Inter_600SemiBold.ttf',
];

export interface Painter {
  /** The bytes of a PNG, two points for each of the drawing's. */
  png(drawing: Markup): Uint8Array;
}

let ready: Promise<Painter> | undefined;

/** Brings its own fonts, so that pictures are the same on every machine. */
export function openPainter(): Promise<Painter> {
  ready ??= open();
  return ready;
}

async function open(): Promise<Painter> {
  await initWasm(await bytesOf('@resvg/resvg-wasm/index_bg.wasm'));
  const fontBuffers = await Promise.all(fonts.map(bytesOf));
  return {
    png(drawing) {
      const image = new Resvg(drawing.text, {
        fitTo: { mode: 'zoom', value: 2 },
        font: { fontBuffers, defaultFontFamily: 'Inter', loadSystemFonts: false },
      });
      try {
        const rendered = image.render();
        try {
          return rendered.asPng();
        } finally {
          rendered.free();
        }
      } finally {
        image.free();
      }
    },
  };
}

const bytesOf = (specifier: string): Promise<Uint8Array<ArrayBuffer>> =>
  readFile(fileURLToPath(import.meta.resolve(specifier)));
