/** National systems whose datum needs a grid, against PROJ with the same grid: 200 places each, within a centimetre. */
import { afterAll, expect, it } from 'vitest';
import { resolveCrs } from '../../tiler/geo/crs.ts';
import { readDatumGrids } from '../../tiler/sources/datum-grid-file.ts';
import { HAS_PROJ, type Judge, openJudge } from '../support/proj.ts';
import { describeWithData } from '../support/test-data.ts';

interface Case {
  readonly code: string;
  readonly file: string;
  /** What PROJ is asked for: the CRS with the grid, and the one to which the grid leads. */
  readonly from?: string;
  readonly to: string;
  readonly northFirst: boolean;
  readonly box: readonly [west: number, south: number, east: number, north: number];
  readonly accuracy: number;
}

const CASES: readonly Case[] = [
  {
    code: 'EPSG:21781',
    file: 'grids/ch_swisstopo_CHENyx06_ETRS.tif',
    to: 'EPSG:4258',
    northFirst: false,
    box: [6.1, 45.9, 10.4, 47.7],
    accuracy: 0.9,
  },
  {
    code: 'EPSG:28992',
    file: 'grids/nl_nsgi_rdtrans2018.tif',
    to: 'EPSG:4258',
    northFirst: false,
    box: [3.5, 51, 7.1, 53.4],
    accuracy: 1,
  },
  {
    code: 'EPSG:31467',
    file: 'grids/de_adv_BETA2007.tif',
    to: 'EPSG:4258',
    northFirst: true,
    box: [7.6, 47.6, 10.4, 54.6],
    accuracy: 0.9,
  },
  {
    code: 'EPSG:26713',
    file: 'grids/us_noaa_nadcon5_nad27_nad83_1986_conus.tif',
    from: '+proj=utm +zone=13 +ellps=clrk66 +nadgrids=us_noaa_nadcon5_nad27_nad83_1986_conus.tif +type=crs',
    to: '+proj=longlat +ellps=GRS80 +towgs84=0,0,0 +type=crs',
    northFirst: false,
    box: [-108, 29, -102, 48.9],
    accuracy: 2,
  },
];

for (const { code, file, from = code, to, northFirst, box, accuracy } of CASES) {
  describeWithData(`${code} with ${file}`, [file], (path) => {
    const judges: Judge[] = [];
    afterAll(() => {
      for (const judge of judges) judge.close();
    });
    const [west, south, east, north] = box;
    const points = Array.from({ length: 200 }, (_, i) => [
      west + (east - west) * ((i * 0.618034) % 1),
      south + (north - south) * ((i * 0.7548777) % 1),
    ]) as [number, number][];

    it.runIf(HAS_PROJ)('agrees with PROJ to a centimetre, both ways', async () => {
      const judge = openJudge([path]);
      judges.push(judge);
      const crs = await resolveCrs(code, { grids: await readDatumGrids([path]) });
      const places = points.map((point) => crs.forward(point));
      const theirs = judge.transform(from, to, northFirst ? places.map(([x, y]) => [y, x]) : places);
      let worst = 0;
      for (const [i, answer] of theirs.entries()) {
        const [first = Number.NaN, second = Number.NaN] = answer ?? [];
        // EPSG's geographic systems have the latitude first.
        const [lon, lat] = to.startsWith('EPSG') ? [second, first] : [first, second];
        const [lonHere = Number.NaN, latHere = Number.NaN] = points[i] ?? [];
        worst = Math.max(worst, metres(lon - lonHere, lat - latHere, lat));
        const [lonBack, latBack] = crs.inverse(places[i] ?? [Number.NaN, Number.NaN]);
        worst = Math.max(worst, metres(lon - lonBack, lat - latBack, lat));
      }
      expect(worst).toBeLessThan(0.01);
    });

    if (from === code)
      it.runIf(HAS_PROJ)('is held against the grid, and not against what PROJ falls back on', async () => {
        const withGrid = openJudge([path]);
        const without = openJudge([]);
        judges.push(withGrid, without);
        expect(withGrid.operations(code, to)).toContain(`+proj=hgridshift +grids=${path.split('/').at(-1)}`);
        expect(without.operations(code, to)).not.toContain('hgridshift');
        const crs = await resolveCrs(code, { grids: await readDatumGrids([path]) });
        const place = crs.forward(points[7] ?? [Number.NaN, Number.NaN]);
        const input = [northFirst ? [place[1], place[0]] : place];
        const [a] = withGrid.transform(code, to, input);
        const [b] = without.transform(code, to, input);
        const [latA = 0, lonA = 0] = a ?? [];
        const [latB = 0, lonB = 0] = b ?? [];
        expect(metres(lonA - lonB, latA - latB, latA)).toBeGreaterThan(0.01);
      });

    it('says which grid it uses and how good that is, and is made again from its definition', async () => {
      const crs = await resolveCrs(code, { grids: await readDatumGrids([path]) });
      const name = path.split('/').at(-1);
      expect(crs).toMatchObject({
        grids: [name],
        accuracyMetres: accuracy,
        note: expect.stringContaining(String(name)),
      });
      const again = await resolveCrs(crs.definition);
      expect(again.forward(points[3] ?? [0, 0])).toEqual(crs.forward(points[3] ?? [0, 0]));
      expect(again.definition).toBe(crs.definition);
    });

    it('serves a definition that names its file, and no other definition', async () => {
      const name = path.split('/').at(-1);
      const grids = await readDatumGrids([path]);
      const own = await resolveCrs(`+proj=longlat +ellps=bessel +nadgrids=@${name}`, { grids });
      expect(own.grids).toEqual([name]);
      await expect(resolveCrs('+proj=longlat +ellps=bessel +nadgrids=other.gsb', { grids })).rejects.toThrow(
        /other\.gsb/,
      );
    });

    it('has no answer outside the grid', async () => {
      const crs = await resolveCrs(code, { grids: await readDatumGrids([path]) });
      expect(crs.forward([west - 60, south])).toEqual([Number.NaN, Number.NaN]);
    });

    it('leaves a CRS of another datum alone', async () => {
      const grids = await readDatumGrids([path]);
      for (const other of ['EPSG:2056', 'EPSG:25832', 'EPSG:32632']) {
        expect((await resolveCrs(other, { grids })).definition).toBe(other);
      }
      await expect(resolveCrs('EPSG:27700', { grids })).rejects.toThrow(/OSTN15/);
    });
  });
}

function metres(east: number, north: number, lat: number): number {
  return Math.hypot(east * Math.cos((lat * Math.PI) / 180), north) * 111320;
}
