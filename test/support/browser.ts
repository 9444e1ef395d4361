/**
 * Starts a headless Chromium that draws WebGL without a graphics card. Where there is none and this is Debian with root
 * rights it is installed; elsewhere a sentence says how to get one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Where distributions put it; CHROMIUM names another place. */
const PLACES = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

const FLAGS = [
  '--no-sandbox',
  '--ignore-gpu-blocklist',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-first-run',
  '--no-default-browser-check',
  '--metrics-recording-only',
];
/** The first is faster and needs Mesa; the second comes with Chromium. */
const MESA = ['--use-gl=angle', '--use-angle=gl-egl'];
const SWIFTSHADER = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];

/** A running browser; the caller closes it. Throws a sentence when none can be had. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = findBrowser() ?? installBrowser();
  for (const renderer of [MESA, SWIFTSHADER]) {
    const browser = await chromium.launch({ executablePath, args: [...FLAGS, ...renderer], timeout: 60_000 });
    if (await drawsWebGl(browser)) return browser;
    await browser.close();
  }
  throw new Error(`${executablePath} starts, but gives no WebGL 2: install libgl1-mesa-dri or a newer Chromium`);
}

function findBrowser(): string | undefined {
  return PLACES.find((place) => place !== undefined && existsSync(place));
}

function installBrowser(): string {
  const how = 'install it (Debian: apt-get install chromium libgl1-mesa-dri), or set CHROMIUM to the path of one';
  if (!isDebian() || process.getuid?.() !== 0)
    throw new Error(`the viewer is tested in Chromium, which is not here: ${how}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const packages = ['install', '--yes', '--no-install-recommends', 'chromium', 'libgl1-mesa-dri'];
  for (const words of [['update'], packages]) {
    const { status, stderr } = spawnSync('apt-get', words, { env: environment, encoding: 'utf8' });
    if (status !== 0)
      throw new Error(`Chromium could not be installed (apt-get ${words[0]}: ${stderr.trim()}): ${how}`);
  }
  const found = findBrowser();
  if (found === undefined) throw new Error(`Chromium was installed, but is at none of the usual places: ${how}`);
  return found;
}

function isDebian(): boolean {
  return (
    existsSync('/etc/os-release') && /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))
  );
}

async function drawsWebGl(browser: Browser): Promise<boolean> {
  const page = await browser.newPage();
  try {
    return await page.evaluate<boolean>("document.createElement('canvas').getContext('webgl2') !== null");
  } finally {
    await page.close();
  }
}
