import { browserClock, browserIds, holdLock, SessionKeep } from './browser';
import { browserCarriers } from './carriers';
import type { PageConnection } from './model';
import { Page } from './page';
import { newCellId } from '../protocol/ids';

export type { Line, PageConnection as Connection } from './model';

/** The connection of this page, with the browser's own socket, clock and storage. Nothing happens before connect(). */
export function createConnection(): PageConnection {
  const pageId = `${newCellId(browserIds)}${newCellId(browserIds)}`;
  const name = `runnel-page-${pageId}`;
  const lock = holdLock(name, 10_000).then((held) => (held ? name : null));
  const keep = new SessionKeep();
  return new Page({
    clock: browserClock, keep, ids: browserIds, pageId, soon, idle, carriers: browserCarriers(pageId, lock),
    recovered: keep.open(),
    first, onWake, onHide,
  });
}

/** The page's own notebook is asked for as the server told the browser to, so that it is fetched once. */
async function first(path: string): Promise<string> {
  const own = new URLSearchParams(location.search).get('notebook') === path;
  const response = await fetch(`/runnel/v1/snapshot${own ? location.search : `?notebook=${encodeURIComponent(path)}`}`);
  if (!response.ok) throw new Error(response.statusText);
  return response.text();
}

/** Less than a frame: what comes so soon after the last time waits for the next frame. */
const FRAME = 14;
let last = -Infinity;

/**
 * At once when nothing was drawn for a frame's time, so that a lone print is in the very next frame; else with that frame, all
 * together. At once when the page is hidden; not later than 100 ms when it is covered and gets no frames.
 */
function soon(fn: () => void): void {
  let done = false;
  const run = () => {
    if (done) return;
    done = true;
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    last = performance.now();
    fn();
  };
  let frame = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  if (document.visibilityState === 'hidden' || performance.now() - last > FRAME) return queueMicrotask(run);
  frame = requestAnimationFrame(run);
  timer = setTimeout(run, 100);
}

/** Not later than this, however busy the browser is. */
const IDLE_WITHIN = 100;

function idle(fn: (spare: () => boolean) => void): void {
  if (document.visibilityState === 'hidden') return queueMicrotask(() => fn(() => true));
  if (typeof requestIdleCallback !== 'function') return void setTimeout(() => fn(() => false), 16);
  requestIdleCallback((deadline) => fn(() => deadline.timeRemaining() > 0), { timeout: IDLE_WITHIN });
}

function onWake(fn: () => void): () => void {
  const visible = () => document.visibilityState === 'visible' && fn();
  const back = (e: PageTransitionEvent) => e.persisted && fn();
  window.addEventListener('online', fn);
  window.addEventListener('pageshow', back);
  document.addEventListener('visibilitychange', visible);
  return () => {
    window.removeEventListener('online', fn);
    window.removeEventListener('pageshow', back);
    document.removeEventListener('visibilitychange', visible);
  };
}

function onHide(fn: (ends: boolean) => void): () => void {
  const gone = (e: PageTransitionEvent) => fn(!e.persisted);
  const hidden = () => document.visibilityState === 'hidden' && fn(false);
  window.addEventListener('pagehide', gone);
  document.addEventListener('visibilitychange', hidden);
  return () => {
    window.removeEventListener('pagehide', gone);
    document.removeEventListener('visibilitychange', hidden);
  };
}
