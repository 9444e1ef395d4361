/** `relievo serve`: tilesets from folders and tiles made on demand, with viewer and catalog, at one address. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { startServer } from '../../server/start.ts';
import { RelievoError } from '../error.ts';
import { layerNameOf, openBuiltLayer } from '../pyramid/built-layer.ts';
import { type BuiltTileset, openBuiltTileset, tilesetNameOf } from '../pyramid/built-tileset.ts';
import type { Layer } from '../pyramid/layer.ts';
import { type LabelOptions, labelOptionsSchema, type TileOptions, tileOptionsSchema } from '../pyramid/options.ts';
import { openSourceLayer, type SourceLayer } from '../pyramid/source-layer.ts';
import { openThreads } from '../run/threads.ts';
import { absoluteName, baseName, isRemoteName } from '../sources/source-name.ts';
import { cacheFolder } from '../store/cache-folder.ts';
import { isTileset3d } from '../store/open-tileset-files.ts';
import { isOurTileset } from '../store/tileset-writer.ts';
import { addAliases, applyAliases } from './aliases.ts';
import { addFlags, readFlags } from './flags.ts';
import { interruptible } from './interrupt.ts';
import { openScanProgress, sayWaiting } from './progress.ts';

/** What `relievo serve` takes. */
export const serveOptionsSchema = z.strictObject({
  port: z
    .int()
    .min(0)
    .max(65535)
    .default(8080)
    .describe('Port to listen on; the variable PORT does the same, 0 takes any free one'),
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address to listen on; 0.0.0.0 for all networks of this machine'),
  cache: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder where tiles made on demand are kept for the next start, and what is prepared from sources; by default tiles are not kept, and the other is in $RELIEVO_CACHE, else ~/.cache/relievo',
    ),
  ...tileOptionsSchema.shape,
  ...labelOptionsSchema.shape,
});

export function addServeCommand(program: Command): void {
  const command = program
    .command('serve')
    .summary('serve tilesets and rasters, with a viewer')
    .description(
      'Serves folders and archives made by "relievo build", 3D Tiles of other tools, and rasters whose tiles are made when they are asked for. All rasters given are taken as one source.',
    )
    .argument('<source...>', 'tileset folders or archives (x.3tz), elevation rasters, or both');
  addFlags(command, serveOptionsSchema);
  addAliases(command)
    .addHelpText(
      'after',
      '\nExamples:\n  relievo serve maui\n  relievo serve dem.tif --port 9000\n  relievo serve maui N42E001.hgt.zip --cache ~/.cache/relievo',
    )
    .action(run);
}

async function run(paths: string[], typed: Record<string, unknown>): Promise<void> {
  const { port, host, cache, title, attribution, ...options } = readFlags(
    serveOptionsSchema,
    withPort(applyAliases(typed)),
  );
  await interruptible(async (signal) => {
    const { layers, tilesets } = await openLayers(paths, options, { title, attribution }, cache, signal);
    const onDemand = [...layers.values()].filter(isSourceLayer);
    const prepared = () => Math.min(1, ...onDemand.map((layer) => layer.prepared));
    const server = await startServer({ layers, tilesets, port, host, viewerFolder: viewerFolder(), prepared }).catch(
      async (error) => {
        await Promise.all([...layers.values(), ...tilesets.values()].map((each) => each.close()));
        throw error;
      },
    );
    process.stdout.write(greeting(server.url, [...layers.values()], [...tilesets.values()]));
    try {
      await Promise.all(onDemand.map((layer) => layer.prepare({ signal })));
      await aborted(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await server.close();
    }
    // Being told to stop is how a server ends well.
    process.exitCode = 0;
  });
}

/** The flag wins over the variable PORT, which hosts of services set. */
function withPort(typed: Record<string, unknown>): Record<string, unknown> {
  const { PORT } = process.env;
  if (PORT === undefined || PORT === '' || typed.port !== undefined) return typed;
  if (!/^\d{1,5}$/.test(PORT) || Number(PORT) > 65535) {
    throw new RelievoError('usage', `The variable PORT must be a whole number from 0 to 65535, not "${PORT}"`);
  }
  return { ...typed, port: Number(PORT) };
}

async function openLayers(
  paths: readonly string[],
  options: TileOptions,
  labels: LabelOptions,
  cache: string | undefined,
  signal: AbortSignal,
) {
  const folders: string[] = [];
  const files: string[] = [];
  const ready: string[] = [];
  for (const path of paths) (isTileset(path) ? folders : isTileset3d(path) ? ready : files).push(path);
  const layers = new Map<string, Layer>();
  const tilesets = new Map<string, BuiltTileset>();
  try {
    for (const place of ready) {
      const name = freeName(tilesetNameOf(resolve(place)));
      tilesets.set(name, await openBuiltTileset(place, { name, signal }));
    }
    for (const folder of folders) add(await openBuiltLayer(folder, { name: freeName(folder) }));
    if (files.length > 0) {
      const spec = { sources: files.map(absoluteName), options, cacheFolder: cacheFolder(cache) };
      const title = labels.title ?? titleOf(files);
      const name = freeName(baseName(files[0]).replace(/\..*$/, ''));
      const width = Math.min(4, availableParallelism());
      add(
        await openSourceLayer(spec, {
          name,
          labels: { ...labels, title },
          width,
          openRunner: openThreads,
          cacheFolder: cache === undefined ? undefined : resolve(cache),
          signal,
          onScan: openScanProgress(process.stderr),
          onWait: sayWaiting,
          onFault: (sentence) => process.stderr.write(`relievo: ${sentence}\n`),
        }),
      );
    }
  } catch (error) {
    await Promise.all([...layers.values(), ...tilesets.values()].map((each) => each.close()));
    throw error;
  }
  return { layers, tilesets };

  function add(layer: Layer): void {
    layers.set(layer.name, layer);
  }

  /** Two folders of one name get a number each: an address must mean one layer. */
  function freeName(path: string): string {
    const base = layerNameOf(resolve(path));
    let name = base;
    for (let k = 2; layers.has(name) || tilesets.has(name); k++) name = `${base}-${k}`;
    return name;
  }
}

const NAMES_SHOWN = 4;

function titleOf(files: readonly string[]): string {
  const names = files.slice(0, NAMES_SHOWN).map(baseName).join(' + ');
  return files.length > NAMES_SHOWN ? `${names} and ${files.length - NAMES_SHOWN} more` : names;
}

/** A folder with a layer.json. All else is a source, of which its reader says what is wrong with it. */
function isTileset(name: string): boolean {
  return !isRemoteName(name) && existsSync(join(name, 'layer.json'));
}

function isSourceLayer(layer: Layer): layer is SourceLayer {
  return layer.kind === 'on-demand';
}

/** Beside the code: `dist/viewer` in the package, and in a checkout once it was built. */
function viewerFolder(): string | undefined {
  const candidates = [join(import.meta.dirname, '../../viewer'), join(import.meta.dirname, '../../dist/viewer')];
  return candidates.find((folder) => existsSync(join(folder, 'index.html')) && existsSync(join(folder, 'cesium')));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}

function greeting(url: string, layers: readonly Layer[], tilesets: readonly BuiltTileset[]): string {
  const count = layers.length + tilesets.length;
  const head = `Relievo serves ${count} ${count === 1 ? 'layer' : 'layers'} at ${url}/ (stop with Ctrl-C)\n`;
  const lists = [...layers.map((layer) => layerLine(url, layer)), ...tilesets.map((one) => tilesetLine(url, one))];
  const example = layers.length > 0 ? layerExample(url, layers[0]) : tilesetExample(url, tilesets[0]);
  return `${head}${lists.join('\n')}\n\nCesiumJS, to paste into a page:\n\n${example}`;
}

function tilesetLine(url: string, { name, title, files, document, label }: BuiltTileset): string {
  const maker = isOurTileset(document) ? 'a surface' : 'not made here';
  const what = label ? `terrain for ${label.profile}, levels 0 to ${label.maxLevel}` : maker;
  return `  ${name}: ${title}, 3D Tiles (${what}) from ${files.kind === 'folder' ? 'a folder' : 'an archive'}: ${tilesetAddress(url, name)}`;
}

function tilesetAddress(url: string, name: string): string {
  return `${url}/layers/${name}/3dtiles/tileset.json`;
}

function tilesetExample(url: string, { name, label }: BuiltTileset): string {
  const address = tilesetAddress(url, name);
  if (label?.profile === 'cesium-terrain') {
    return `  viewer.scene.terrainProvider = await Cesium.Cesium3DTilesTerrainProvider.fromUrl('${address}');\n`;
  }
  return `  viewer.scene.primitives.add(await Cesium.Cesium3DTileset.fromUrl('${address}'));\n`;
}

function layerLine(url: string, { name, title, document }: Layer): string {
  const { datum } = document.relievo;
  const mark = datum.known === 'assumed' ? ' (ASSUMED)' : '';
  return `  ${name}: ${title}, levels 0 to ${document.maxzoom}, datum ${datum.source}${mark}: ${url}/layers/${name}/layer.json`;
}

function layerExample(url: string, first: Layer): string {
  const corners = first.document.bounds.map((degrees) => degrees.toFixed(4));
  return `  const viewer = new Cesium.Viewer('cesiumContainer', {
    terrain: new Cesium.Terrain(
      Cesium.CesiumTerrainProvider.fromUrl('${url}/layers/${first.name}', { requestVertexNormals: true }),
    ),
    baseLayer: Cesium.ImageryLayer.fromProviderAsync(
      Cesium.TileMapServiceImageryProvider.fromUrl(Cesium.buildModuleUrl('Assets/Textures/NaturalEarthII')),
    ),
    baseLayerPicker: false,
    geocoder: false,
  });
  viewer.camera.flyTo({ destination: Cesium.Rectangle.fromDegrees(${corners.join(', ')}) });
`;
}
