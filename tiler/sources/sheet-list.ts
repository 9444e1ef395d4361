/** What it takes to know of many rasters to join them: those that are alike share one frame, so that each costs a few numbers. */
import type { RasterInfo } from './raster-source.ts';

export interface SheetList {
  readonly length: number;
  /** A raster like this one in all but its name, its place and its content; one object for all that are alike. */
  frameOf(index: number): RasterInfo;
  nameOf(index: number): string;
  /** Of the centre of its first sample, in units of its CRS. */
  xOf(index: number): number;
  yOf(index: number): number;
  /** Hash of the content; empty when that is not known. */
  versionOf(index: number): string;
}

/** Of a few, each of which is its own frame. */
export function listOf(infos: readonly RasterInfo[]): SheetList {
  const at = (index: number): RasterInfo => {
    const info = infos[index];
    if (info === undefined) throw new RangeError(`there are ${infos.length} sheets; asked for number ${index}`);
    return info;
  };
  return {
    length: infos.length,
    frameOf: at,
    nameOf: (index) => at(index).name,
    xOf: (index) => at(index).affine.c,
    yOf: (index) => at(index).affine.f,
    versionOf: (index) => at(index).version,
  };
}

/** The frames in the order in which the first sheet of each comes. */
export function framesOf(sheets: SheetList): readonly RasterInfo[] {
  const frames = new Set<RasterInfo>();
  for (let i = 0; i < sheets.length; i++) frames.add(sheets.frameOf(i));
  return [...frames];
}
