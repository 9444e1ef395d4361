export const MADE_WITH = { epsg: '', proj: '' };
export const BASES: Readonly<Record<string, string>> = {};
export const ALIASES: Readonly<Record<string, string>> = {};
export const GRIDS: Readonly<Record<string, string>> = {};
export const ACCURACIES: Readonly<Record<string, string>> = {};
export const REFUSED: Readonly<Record<string, string>> = {};
