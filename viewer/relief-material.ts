/**
 * The globe's material: hypsometric colours and contour lines by height above sea level, inside a layer's bounds and
 * fading out towards their border. Heights come from Cesium above the ellipsoid and exaggerated: both are undone here.
 */
import { Cartesian4, Material } from 'cesium';

/** From the lowest to the highest ground of a layer: position 0 to 1, then the colour as on a wall map. */
export const LAND_COLOURS: readonly (readonly [number, string])[] = [
  [0, '#54855a'],
  [0.08, '#6f9a62'],
  [0.2, '#a3b773'],
  [0.36, '#dccf94'],
  [0.54, '#cda268'],
  [0.72, '#a3764f'],
  [0.87, '#a99a8f'],
  [1, '#f7f5f1'],
];

/** Packed geoid heights: side of the square picture in pixels. */
const GEOID_SIDE = 64;

const SOURCE = `
uniform vec4 box;
uniform vec4 geoidRange;
uniform vec2 scale;
uniform vec2 landRange;
uniform float tint;
uniform float spacing;
uniform float amidSea;
uniform float waves;
uniform float maskKnowsLand;
uniform sampler2D ramp;
uniform sampler2D geoid;

czm_material czm_getMaterial(czm_materialInput materialInput)
{
  czm_material material = czm_getDefaultMaterial(materialInput);
  vec3 ground = (czm_inverseView * vec4(-materialInput.positionToEyeEC, 1.0)).xyz;
  float longitude = atan(ground.y, ground.x);
  float latitude = atan(ground.z, length(ground.xy) * 0.9933056200098587);

  // box: west, south, width, height in radians; longitudes count eastward from the west side.
  vec2 place = vec2(mod(longitude - box.x + 3.0e-6, 6.283185307179586) - 3.0e-6, latitude - box.y) / box.zw;
  vec2 inward = min(place, 1.0 - place);
  float wholeWorld = step(6.28, box.z);
  float fade = smoothstep(0.0, 0.015, mix(min(inward.x, inward.y), 1.0, wholeWorld));

  vec2 packed = texture(geoid, clamp(place, 0.0, 1.0) * geoidRange.z + geoidRange.w).rg;
  float undulation = geoidRange.x + geoidRange.y * (packed.r * 65280.0 + packed.g * 255.0) / 65535.0;
  float height = (materialInput.height - scale.y) / scale.x + scale.y - undulation;

  float away = length(materialInput.positionToEyeEC);

  // Skirts under tile borders are upright, but carry the normals of the level ground: at sea level they stay sea.
  vec3 upEC = czm_normal3D * normalize(ground);
  vec3 faceEC = cross(dFdx(materialInput.positionToEyeEC), dFdy(materialInput.positionToEyeEC));
  bool skirt = abs(dot(faceEC, upEC)) < 0.2 * length(faceEC) && materialInput.slope < 0.02;
  bool coastal = landRange.x < 0.5;
  float rise = fwidth(height);
  if (skirt && coastal && height < 60.0 + 1.5 * rise) height = 0.0;

  float part = clamp((height - landRange.x) / (landRange.y - landRange.x), 0.0, 1.0);
  vec3 land = texture(ramp, vec2(mix(0.5 / 256.0, 255.5 / 256.0, part), 0.5)).rgb;
  // From afar the mesh is coarse, and what lies a few metres above the sea may well be sea.
  float tide = 0.4 + away * 1.5e-5;
  float shore = coastal ? 1.0 - smoothstep(tide, tide * 2.0, height) : 0.0;
  float depth = clamp(-height / 3000.0, 0.0, 1.0);
  vec3 water = vec3(0.165, 0.335, 0.465);
  vec3 sea = mix(water, vec3(0.06, 0.16, 0.29), sqrt(depth));
  // Around the layer the base imagery is far too coarse to be looked at from near: a wash of one colour calms it.
  float seaAround = amidSea * (1.0 - maskKnowsLand);
#ifdef HAS_WATER_MASK
  seaAround += maskKnowsLand * materialInput.waterMask;
#endif
  vec3 around = mix(vec3(0.43, 0.475, 0.40), water, seaAround);
  float wash = mix(0.9, 0.0, smoothstep(250.0e3, 2500.0e3, away));
  float seaAlpha = amidSea > 0.5 ? mix(wash, 1.0, smoothstep(0.0, 40.0, -height)) : 1.0;
  vec3 colour = mix(around, mix(land, sea, shore), fade);
  float alpha = tint * mix(wash, mix(1.0, seaAlpha, shore), fade);
#ifdef HAS_WATER_MASK
  // Waves are drawn below the colours and are to show through.
  alpha *= 1.0 - 0.6 * waves * materialInput.waterMask;
#endif

  if (spacing > 0.0) {
    float lines = height / spacing;
    float grain = max(fwidth(lines), 1.0e-6);
    float nearest = abs(fract(lines + 0.5) - 0.5) / grain;
    float fifth = 1.0 - step(0.5, abs(mod(floor(lines + 0.5), 5.0)));
    float width = mix(0.65, 1.25, fifth) * czm_pixelRatio;
    float line = 1.0 - smoothstep(width - 0.5, width + 0.5, nearest);
    // Lines that crowd into each other are let go, the fifth ones last.
    line *= mix(0.42, 0.68, fifth) * (1.0 - smoothstep(mix(0.18, 0.7, fifth), mix(0.4, 1.2, fifth), grain)) * fade;
    line *= step(0.5, abs(lines));
    float both = line + alpha * (1.0 - line);
    colour = mix(colour, vec3(0.17, 0.11, 0.07), both > 0.0 ? line / both : 0.0);
    alpha = both;
  }
  material.diffuse = colour;
  material.alpha = alpha;
  return material;
}
`;

/** What the material draws. */
export interface ReliefPaint {
  /** 0 no colours, 1 colours that hide the imagery. */
  readonly tint: number;
  /** Metres between contour lines; 0 for none. */
  readonly spacing: number;
  /** Whether waves are drawn on water. */
  readonly waves: boolean;
  /** Exaggeration, and the ellipsoidal height in metres that stays where it is. */
  readonly exaggeration: number;
  readonly fixedHeight: number;
}

/** Where the material draws and from which to which height above sea level its colours run. */
export interface ReliefGround {
  readonly bounds: readonly [number, number, number, number];
  readonly low: number;
  readonly high: number;
  /** Whether most of the border lies at sea level. */
  readonly amidSea: boolean;
  /** Whether water masks tell land and sea apart outside the bounds too. */
  readonly maskKnowsLand: boolean;
  /** Metres of the geoid above the ellipsoid at a place in degrees. */
  readonly undulation: (longitude: number, latitude: number) => number;
}

export function createReliefMaterial(): Material {
  return new Material({
    translucent: false,
    fabric: {
      uniforms: {
        box: new Cartesian4(0, 0, 1, 1),
        geoidRange: new Cartesian4(0, 1, 1, 0),
        scale: { x: 1, y: 0 },
        landRange: { x: 0, y: 1 },
        tint: 0,
        spacing: 0,
        amidSea: 0,
        waves: 0,
        maskKnowsLand: 0,
        ramp: drawRamp(),
        geoid: blankPicture(),
      },
      source: SOURCE,
    },
  });
}

export function paintRelief(material: Material, paint: ReliefPaint): void {
  const { uniforms } = material;
  uniforms.tint = paint.tint;
  uniforms.spacing = paint.spacing;
  uniforms.waves = paint.waves ? 1 : 0;
  uniforms.scale = { x: paint.exaggeration, y: paint.fixedHeight };
}

export function placeRelief(material: Material, ground: ReliefGround): void {
  const { uniforms } = material;
  const [west, south, east, north] = ground.bounds;
  const width = east > west ? east - west : east - west + 360;
  const radians = Math.PI / 180;
  uniforms.box = new Cartesian4(west * radians, south * radians, width * radians, (north - south) * radians);
  uniforms.landRange = { x: ground.low, y: Math.max(ground.high, ground.low + 1) };
  uniforms.amidSea = ground.amidSea ? 1 : 0;
  uniforms.maskKnowsLand = ground.maskKnowsLand ? 1 : 0;
  const { picture, least, span } = drawGeoid(ground, west, south, width, north - south);
  uniforms.geoid = picture;
  // Pixel centres stand for the corners of the box.
  uniforms.geoidRange = new Cartesian4(least, span, (GEOID_SIDE - 1) / GEOID_SIDE, 0.5 / GEOID_SIDE);
}

/** The colours as a CSS gradient, for the legend. */
export function rampAsCss(): string {
  return `linear-gradient(90deg, ${LAND_COLOURS.map(([at, colour]) => `${colour} ${at * 100}%`).join(', ')})`;
}

function drawRamp(): HTMLCanvasElement {
  const { canvas, context } = blank(256, 1);
  const gradient = context.createLinearGradient(0, 0, 256, 0);
  for (const [at, colour] of LAND_COLOURS) gradient.addColorStop(at, colour);
  context.fillStyle = gradient;
  context.fillRect(0, 0, 256, 1);
  return canvas;
}

function blankPicture(): HTMLCanvasElement {
  const { canvas, context } = blank(GEOID_SIDE, GEOID_SIDE);
  context.fillRect(0, 0, GEOID_SIDE, GEOID_SIDE);
  return canvas;
}

/**
 * Geoid heights over the box in 16 bits, high byte red and low byte green: linear filtering mixes both bytes with the
 * same weights, so the sum is filtered right.
 */
function drawGeoid(ground: ReliefGround, west: number, south: number, width: number, height: number) {
  const values = new Float64Array(GEOID_SIDE * GEOID_SIDE);
  const last = GEOID_SIDE - 1;
  for (let row = 0; row < GEOID_SIDE; row++) {
    for (let column = 0; column < GEOID_SIDE; column++) {
      const longitude = west + (width * column) / last;
      // Row 0 of a canvas lies at the north.
      const latitude = south + (height * (last - row)) / last;
      values[row * GEOID_SIDE + column] = ground.undulation(longitude > 180 ? longitude - 360 : longitude, latitude);
    }
  }
  const least = values.reduce((a, b) => Math.min(a, b));
  const span = Math.max(values.reduce((a, b) => Math.max(a, b)) - least, 0.001);
  const { canvas, context } = blank(GEOID_SIDE, GEOID_SIDE);
  const pixels = context.createImageData(GEOID_SIDE, GEOID_SIDE);
  values.forEach((value, i) => {
    const packed = Math.round(((value - least) / span) * 65535);
    pixels.data.set([packed >> 8, packed & 255, 0, 255], 4 * i);
  });
  context.putImageData(pixels, 0, 0);
  return { picture: canvas, least, span };
}

function blank(width: number, height: number): { canvas: HTMLCanvasElement; context: CanvasRenderingContext2D } {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser gives no 2D canvas');
  return { canvas, context };
}
