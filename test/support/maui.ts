/** The bundled DEM, and places on it that a test can name. */
import { join } from 'node:path';
import { REPOSITORY } from './test-data.ts';

export const MAUI_SHEETS = ['N20W157', 'N20W156'].map((name) => join(REPOSITORY, 'data/maui', `${name}.hgt.zip`));

/** Longitude, latitude, and what is there. */
export const MAUI_PLACES: readonly (readonly [lon: number, lat: number, name: string])[] = [
  [-156.2533, 20.7097, 'Haleakala, Red Hill'],
  [-156.2201, 20.7203, 'Haleakala, crater floor'],
  [-156.5861, 20.8906, 'Puu Kukui'],
  [-156.4305, 20.8985, 'Kahului airport'],
  [-156.6778, 20.8724, 'Lahaina'],
  [-156.8731, 20.8113, 'Lanaihale'],
  [-156.6042, 20.5535, 'Kahoolawe'],
  [-155.9886, 20.7578, 'Hana'],
  [-155.7171, 20.0809, 'Kohala, Big Island'],
  [-156.35, 20.95, 'the sea north of Maui'],
];
