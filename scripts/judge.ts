/**
 * Judges a folder of quantized-mesh tiles: node scripts/judge.ts FOLDER [--source FILE...] [--sample N] [--json].
 * Prints a row for each level and every kind of fault with its first tiles; ends with 1 when there is a fault.
 */
import { parseArgs } from 'node:util';
import { checkTileset } from '../test/judge/check-tileset.ts';
import { judgeMeasures, measureLevels } from '../test/judge/measure.ts';
import { readSheets } from '../test/judge/reference.ts';
import { reportText } from '../test/judge/report.ts';
import { openTileFolder } from '../test/judge/tile-folder.ts';

const HELP = `node scripts/judge.ts FOLDER [--source FILE...] [--sample N] [--seed N] [--datum egm96|ellipsoid] [--json]

  --source FILE   measure the drawn surface against this DEM (.hgt, .hgt.zip, or a lon/lat raster read by GDAL);
                  further files may follow
  --sample N      open N tiles of each level, picked by --seed (default 1); all when absent
  --datum NAME    what the source's heights are above; by default what layer.json says, else egm96
  --json          everything as one JSON object`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    source: { type: 'string', multiple: true, default: [] },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    datum: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const [folder, ...more] = positionals;
if (values.help || folder === undefined) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}
const seed = Number(values.seed);
const sample = values.sample === undefined ? undefined : Number(values.sample);
if (!Number.isInteger(seed) || (sample !== undefined && !(Number.isInteger(sample) && sample > 0))) {
  console.error('--sample takes a whole number above 0, --seed a whole number');
  process.exit(2);
}

const set = openTileFolder(folder);
const judgement = checkTileset(set, { sample, seed });
const sources = [...values.source, ...more];
const datum = values.datum ?? judgement.document.datum ?? 'egm96';
if (datum !== 'egm96' && datum !== 'ellipsoid') {
  console.error(`the judge knows heights above egm96 and above the ellipsoid, not ${datum}: say which with --datum`);
  process.exit(2);
}
const measures = sources.length === 0 ? [] : measureLevels(set, readSheets(sources, datum), { sample, seed });
const faults = [...judgement.faults, ...judgeMeasures(measures, Math.max(1, judgement.document.maxErrorFactor))];
if (values.json) console.log(JSON.stringify({ levels: judgement.levels, measures, faults }));
else console.log(reportText(judgement.levels, measures, faults));
process.exitCode = faults.length > 0 ? 1 : 0;
