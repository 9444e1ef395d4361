/** 3d-tiles-renderer and three.js in Node: files instead of a network, pictures that nobody looks at, frames by the clock. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { MeshoptDecoder } from 'meshoptimizer';

export interface TilesView {
  /** Tiles drawn from straight above the point, so many metres away, and how far the middle of their box is from it. */
  lookFrom(metres: number): Promise<{ tiles: number; away: number }>;
  readonly faults: readonly unknown[];
  close(): void;
}

/** As much of both as is used; three comes without types. */
interface Vector {
  clone(): Vector;
  copy(other: Vector): Vector;
  normalize(): Vector;
  addScaledVector(other: Vector, by: number): Vector;
  distanceTo(other: Vector): number;
}
interface Camera {
  readonly position: Vector;
  lookAt(place: Vector): void;
  updateMatrixWorld(force: boolean): void;
}
interface Three {
  readonly PerspectiveCamera: new (angle: number, aspect: number, near: number, far: number) => Camera;
  readonly Vector3: new (...place: number[]) => Vector;
  readonly Box3: new () => { setFromObject(group: object): { getCenter(to: Vector): Vector } };
}
interface Renderer {
  readonly group: { readonly children: readonly object[] };
  registerPlugin(plugin: object): void;
  setCamera(camera: Camera): void;
  setResolution(camera: Camera, width: number, height: number): void;
  addEventListener(name: string, heard: (event: { error?: unknown }) => void): void;
  update(): void;
  dispose(): void;
}

const FRAMES = 150;

/** `ecef`: metres, where to look. */
export async function openTilesView(document: string, ecef: readonly number[]): Promise<TilesView> {
  Object.assign(globalThis, {
    self: globalThis,
    window: { location: { href: 'http://localhost/' } },
    requestAnimationFrame: (step: () => void) => setTimeout(step, 1),
    cancelAnimationFrame: clearTimeout,
    ImageBitmap: class {},
    createImageBitmap: async () => ({ width: 1, height: 1, close: () => {} }),
  });
  const { PerspectiveCamera, Vector3, Box3 } = createRequire(import.meta.url)('three') as Three;
  const { TilesRenderer } = (await import('3d-tiles-renderer/three')) as unknown as {
    TilesRenderer: new (url: string) => Renderer;
  };
  const { GLTFExtensionsPlugin } = (await import('3d-tiles-renderer/three/plugins')) as unknown as {
    GLTFExtensionsPlugin: new (options: object) => object;
  };
  const renderer = new TilesRenderer(pathToFileURL(document).href);
  renderer.registerPlugin(new GLTFExtensionsPlugin({ meshoptDecoder: MeshoptDecoder, autoDispose: false }));
  renderer.registerPlugin({
    fetchData: async (url: string) => new Response(new Uint8Array(readFileSync(new URL(url)))),
  });
  const faults: unknown[] = [];
  renderer.addEventListener('load-error', ({ error }) => faults.push(error));
  const place = new Vector3(...ecef);
  const up = place.clone().normalize();
  const camera = new PerspectiveCamera(60, 1, 1, 1e6);
  renderer.setCamera(camera);
  renderer.setResolution(camera, 800, 800);
  return { lookFrom, faults, close: () => renderer.dispose() };

  async function lookFrom(metres: number) {
    camera.position.copy(place).addScaledVector(up, metres);
    camera.lookAt(place);
    camera.updateMatrixWorld(true);
    for (let frame = 0; frame < FRAMES; frame++) {
      renderer.update();
      await new Promise((resume) => setTimeout(resume, 5));
    }
    const centre = new Box3().setFromObject(renderer.group).getCenter(new Vector3());
    return { tiles: renderer.group.children.length, away: centre.distanceTo(place) };
  }
}
