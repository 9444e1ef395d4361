/**
 * Makes the data of the size cases: `relief.vrt` and `relief.bin`, one GeoTIFF for each layout, and a folder of small sheets
 * with a list of where they lie. 40 000 samples a side take 14 GB of disk.
 *
 *   node test/soak/make-size-data.ts --out FOLDER [--side 40000] [--sheets 100000] [--layouts striped,one-strip]
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { testData } from '../support/test-data.ts';
import { cutSheets, LAYOUTS, makeRelief, writeLayout } from './size-data.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    side: { type: 'string', default: '40000' },
    sheets: { type: 'string', default: '100000' },
    layouts: { type: 'string', default: LAYOUTS.join(',') },
  },
});
const hgt = testData('hgt');
if (values.out === undefined) throw new Error('name the folder to write to: --out FOLDER');
if (hgt === undefined) throw new Error('needs the SRTM sheets of the test data: set RELIEVO_TEST_DATA');
const folder = values.out;
const say = (what: string) => process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${what}\n`);

const relief = makeRelief(hgt, folder, Number(values.side));
say(relief.vrt);
for (const layout of LAYOUTS) {
  if (!values.layouts.split(',').includes(layout)) continue;
  await writeLayout(relief, layout, join(folder, `${layout}.tif`));
  say(`${layout}.tif`);
}
const sheets = join(folder, 'sheets');
rmSync(sheets, { recursive: true, force: true });
const places = cutSheets(relief, sheets, Number(values.sheets));
writeFileSync(join(folder, 'sheets.json'), JSON.stringify(places));
say(`${places.length} sheets`);
