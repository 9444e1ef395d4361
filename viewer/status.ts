/** What the page says about itself: loading, faults, an empty server, short confirmations. */
import type { CesiumWidget } from 'cesium';
import { byId } from './dom.ts';

export interface Notice {
  readonly title: string;
  readonly text: string;
  /** A command line to type. */
  readonly code?: string;
  readonly retry?: () => void;
  /** Whether the reader may close it; default true. */
  readonly closable?: boolean;
}

/** Shows a card with a sentence; it replaces the one shown before. */
export function showNotice(notice: Notice): void {
  const card = byId('notice', HTMLElement);
  byId('notice-title', HTMLElement).textContent = notice.title;
  byId('notice-text', HTMLElement).textContent = notice.text;
  const code = byId('notice-code', HTMLElement);
  code.hidden = notice.code === undefined;
  code.textContent = notice.code ?? '';
  const retry = byId('notice-retry', HTMLButtonElement);
  retry.hidden = notice.retry === undefined;
  retry.onclick = () => {
    hideNotice();
    notice.retry?.();
  };
  const close = byId('notice-close', HTMLButtonElement);
  close.hidden = notice.closable === false;
  close.onclick = hideNotice;
  card.hidden = false;
}

export function hideNotice(): void {
  byId('notice', HTMLElement).hidden = true;
}

let toastTimer: ReturnType<typeof setTimeout> | undefined;

/** A few words that go away by themselves. */
export function showToast(words: string): void {
  const toast = byId('toast', HTMLElement);
  toast.textContent = words;
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    toast.hidden = true;
  }, 2600);
}

/** Shows how many tiles are still to come. */
export function showLoading(widget: CesiumWidget): void {
  const chip = byId('loading', HTMLElement);
  const bar = byId('progress', HTMLElement);
  let most = 0;
  widget.scene.globe.tileLoadProgressEvent.addEventListener((left: number) => {
    most = left === 0 ? 0 : Math.max(most, left);
    chip.hidden = left === 0;
    bar.hidden = left === 0;
    if (left === 0) return;
    chip.textContent = left === 1 ? 'Loading 1 tile' : `Loading ${left} tiles`;
    const part = Math.round((100 * (most - left)) / most);
    bar.style.setProperty('--part', `${Math.max(part, 4)}%`);
    bar.setAttribute('aria-valuenow', String(part));
  });
}
