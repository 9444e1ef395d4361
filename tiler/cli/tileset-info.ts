/** `relievo info` of a built 3D Tiles tileset: what it says of itself, and what is known of who made it and for whom. */
import { openBuiltTileset } from '../pyramid/built-tileset.ts';
import { isOurTileset } from '../store/tileset-writer.ts';
import type { Paint } from './paint.ts';
import { count } from './progress.ts';
import { metres } from './table.ts';

export type TilesetFacts = Awaited<ReturnType<typeof describeTileset>>;

/** Plain JSON with stable keys: metres, degrees. `place` is a folder, an archive, or an archive's address. */
export async function describeTileset(place: string) {
  const { title, files, document, label, close } = await openBuiltTileset(place);
  try {
    const { asset, root } = document;
    const quality = label && (await (await files.find('quality.json'))?.read());
    const { certified, maxErrorRatio, levels } = quality ? JSON.parse(Buffer.from(quality).toString()) : {};
    return {
      format: '3dtiles' as const,
      place,
      kind: files.kind,
      fileCount: files.files ?? null,
      title,
      version: asset.version,
      tilesetVersion: asset.tilesetVersion ?? null,
      generator: generatorOf(asset),
      ours: isOurTileset(document),
      tiling: tilingOf(root),
      geometricErrorMetres: Number(document.geometricError ?? Number.NaN),
      extensions: (document as { readonly extensionsUsed?: readonly string[] }).extensionsUsed ?? [],
      terrain: label ? { ...label, certified: certified ?? null, maxErrorRatio: maxErrorRatio ?? null } : null,
      tiles: levels ? levels.reduce((sum: number, level: { readonly tiles: number }) => sum + level.tiles, 0) : null,
    };
  } finally {
    await close();
  }
}

/** By the root and its children: deeper tiles need not be read for it. */
function tilingOf(root: Readonly<Record<string, unknown>>): 'implicit' | 'explicit' {
  const children = Array.isArray(root.children) ? root.children : [];
  return [root, ...children].some((tile) => tile?.implicitTiling !== undefined) ? 'implicit' : 'explicit';
}

function generatorOf({ generator, extras }: { readonly generator?: unknown; readonly extras?: unknown }): string {
  return String(generator ?? (extras as { readonly generator?: unknown } | undefined)?.generator ?? 'unknown');
}

/** The same for people. */
export function tilesetPage(facts: TilesetFacts, paint: Paint): string {
  const { terrain, kind, fileCount, tiles } = facts;
  const rows: (readonly [string, string])[] = [
    [
      'Format',
      `3D Tiles ${facts.version} in ${kind === 'folder' ? 'a folder' : 'an archive (3TZ)'}, ${facts.tiling} tiling`,
    ],
    ...(fileCount === null ? [] : [['Files', count(fileCount)] as const]),
    ['Made by', facts.ours ? facts.generator : `${facts.generator} (not Relievo)`],
    ['Error', `${metres(facts.geometricErrorMetres)} m at the top (geometricError)`],
    ...(facts.extensions.length > 0 ? [['Extensions', facts.extensions.join(', ')] as const] : []),
  ];
  if (terrain) {
    const { bounds, profile, maxLevel, datum, sources, certified, maxErrorRatio } = terrain;
    rows.push(
      ['Profile', profile],
      ['Levels', `0 to ${maxLevel}${tiles === null ? '' : `, ${count(tiles)} tiles`}`],
      ['Box', `${bounds.map((degrees) => degrees.toFixed(5)).join(', ')} (west, south, east, north)`],
      ['Heights', `${datum.because}${datum.known === 'assumed' ? ' (ASSUMED)' : ''}; the tiles hold GPS heights`],
      ['Sources', sources.join(', ')],
    );
    if (maxErrorRatio !== null) {
      rows.push([
        'Quality',
        `${certified ? 'certified: ' : ''}no error beyond ${maxErrorRatio.toFixed(2)} of the clients' bound`,
      ]);
    }
  }
  const lines = rows.map(([label, text]) => `  ${paint('label', label.padEnd(14))}${text}`);
  return `${[paint('title', facts.title), ...lines, '', `See it: relievo serve ${facts.place}`].join('\n')}\n`;
}
