/** The HTML report: one file without scripts, in which nothing of the tileset's own words is markup, drawn by a browser. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseXml } from '@rgrove/parse-xml';
import { beforeAll, describe, expect, it } from 'vitest';
import { openDem } from '../../tiler/verify/dem.ts';
import { writeReport } from '../../tiler/verify/html-report.ts';
import { remedyOf } from '../../tiler/verify/remedies.ts';
import type { VerifyReport } from '../../tiler/verify/report-types.ts';
import { tilesInMemory } from '../../tiler/verify/tile-set.ts';
import { verifyTileset } from '../../tiler/verify/verify.ts';
import { startBrowser } from '../support/browser.ts';
import { BREAK_HTTP } from './break-http.ts';
import { BREAKAGES } from './broken-tiles.ts';
import { buildSoundTileset, MAUI } from './sound-tileset.ts';

describe('the HTML report', () => {
  let measured: VerifyReport;
  let structure: VerifyReport;
  beforeAll(async () => {
    const set = await buildSoundTileset();
    structure = await verifyTileset(tilesInMemory(set.files, set.layerJson));
    for (const { name, spoil } of BREAKAGES) {
      if (['a sphere 300 m too small', 'a vertex that no triangle uses'].includes(name)) spoil(set);
    }
    const dem = await openDem(MAUI);
    try {
      measured = await verifyTileset(tilesInMemory(set.files, set.layerJson), { dem });
    } finally {
      await dem.close();
    }
  });

  it('says that a sound set passed, and what was not measured', () => {
    const page = writeReport(structure);
    expect(page).toContain('Passed: no faults');
    expect(page).toContain('errors were not measured');
    expect(page).not.toContain('Worst tiles');
  });

  it('has the faults with what they mean and what helps, the errors of each level, and the worst tiles', () => {
    const page = writeReport(measured);
    for (const { kind, meaning, places } of measured.findings) {
      expect(page).toContain(`<code>${kind}</code>`);
      expect(textOf(page)).toContain(meaning);
      expect(page).toContain(places[0]?.tile ?? 'whole set');
    }
    expect(measured.findings.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['sphere-open', 'vertex-unused']));
    const levels = measured.levels.filter(({ error }) => error !== undefined);
    expect(page.match(/aria-label="Histogram of errors"/g)).toHaveLength(levels.length);
    expect(page.match(/aria-label="Map of errors and findings"/g)).toHaveLength(levels.length);
    expect(page).toContain('Worst tiles');
  });

  it('says of the place what the terminal says', () => {
    const at = measured.levels.findIndex(({ error }) => error?.shift.clear);
    const { error, bound } = measured.levels[at];
    if (!error) throw new Error('no level is clear');
    const cells = (change: Partial<typeof error.shift>): string => {
      const shift = { ...error.shift, eastMetres: 12.5, northMetres: -7.25, ...change };
      return writeReport({ ...measured, levels: [{ ...measured.levels[at], error: { ...error, shift } }] });
    };
    // Less than what counts as a move.
    expect(cells({ rmsLeast: 1, rmsUnmoved: 1 })).not.toContain('12.5');
    expect(cells({ rmsLeast: 0, rmsUnmoved: bound })).toContain('12.5');
    expect(cells({ clear: false })).toContain('>unclear</td>');
  });

  it('is well-formed, needs nothing from elsewhere and runs nothing', () => {
    for (const report of [measured, structure]) {
      const page = writeReport(report);
      expect(page).not.toMatch(/<script|\son\w+=|href=|src=|url\(|@import|NaN|undefined|\[object/i);
      const xml = page.replace('<!doctype html>', '').replaceAll(/<meta ([^>]*)>/g, '<meta $1/>');
      expect(() => parseXml(xml)).not.toThrow();
    }
  });

  it('escapes whatever a tileset calls itself', () => {
    const evil = '"><img src=x onerror=alert(1)>\u0000&<script>';
    const page = writeReport({
      ...structure,
      tileset: { ...structure.tileset, name: evil, place: evil, attribution: evil, extensions: [evil] },
      findings: [
        {
          kind: evil,
          severity: 'fault',
          meaning: evil,
          count: 1,
          places: [{ tile: evil, lon: 1, lat: 2, message: evil }],
        },
      ],
    });
    expect(page).not.toContain('<img');
    expect(page).not.toContain('<script');
    expect(page).not.toContain('\u0000');
    expect(() =>
      parseXml(page.replace('<!doctype html>', '').replaceAll(/<meta ([^>]*)>/g, '<meta $1/>')),
    ).not.toThrow();
  });

  it('knows what helps against every kind that is tried', () => {
    const kinds = new Set([...BREAKAGES.map(({ kind }) => kind), ...BREAK_HTTP.flatMap((breakage) => breakage.kinds)]);
    expect([...kinds].filter((kind) => remedyOf(kind) === undefined)).toEqual([]);
  });

  it('fits the page of a browser, by day, by night and on a small screen', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'relievo-test-'));
    const browser = await startBrowser();
    try {
      const path = join(folder, 'report.html');
      writeFileSync(path, writeReport(measured));
      const colours: string[] = [];
      for (const [colorScheme, width] of [
        ['light', 1280],
        ['dark', 1280],
        ['light', 390],
      ] as const) {
        const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
        await page.goto(pathToFileURL(path).href);
        const [wide, colour] = await page.evaluate<[number, string]>(
          '[document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]',
        );
        expect(wide).toBeLessThanOrEqual(width);
        colours.push(colour);
        if (process.env.REPORT_PICTURES) {
          await page.screenshot({
            path: join(process.env.REPORT_PICTURES, `report-${colorScheme}-${width}.png`),
            fullPage: true,
          });
        }
        await page.close();
      }
      expect(colours[0]).not.toBe(colours[1]);
    } finally {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function textOf(page: string): string {
  return page.replaceAll('&#39;', "'").replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
