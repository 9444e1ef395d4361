/**
 * Builds the viewer into `dist/viewer`. Every address in it is relative, so that the page works under any base path;
 * Cesium's workers and textures are copied beside it and found through CESIUM_BASE_URL.
 */
import { resolve } from 'node:path';
import { defineConfig, normalizePath } from 'vite';
import { viteStaticCopy } from 'vite-plugin-static-copy';

const repository = resolve(import.meta.dirname, '..');
const cesium = normalizePath(resolve(repository, 'node_modules/cesium/Build/Cesium'));

/** Only what the page asks for: the rest of Cesium's assets serve widgets and models that are not in it. */
const CESIUM_PARTS = [
  { from: 'Workers', to: '' },
  { from: 'Assets/approximateTerrainHeights.json', to: 'Assets' },
  { from: 'Assets/IAU2006_XYS', to: 'Assets' },
  { from: 'Assets/Textures/NaturalEarthII', to: 'Assets/Textures' },
  { from: 'Assets/Textures/SkyBox', to: 'Assets/Textures' },
  { from: 'Assets/Textures/waterNormalsSmall.jpg', to: 'Assets/Textures' },
];

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  define: { CESIUM_BASE_URL: JSON.stringify('./cesium/') },
  build: {
    outDir: resolve(repository, 'dist/viewer'),
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 6000,
  },
  server: { proxy: { '/layers': process.env.RELIEVO_SERVER ?? 'http://localhost:8080' } },
  plugins: [
    viteStaticCopy({
      targets: CESIUM_PARTS.map(({ from, to }) => ({ src: `${cesium}/${from}`, dest: `cesium/${to}` })),
      silent: true,
    }),
  ],
});
