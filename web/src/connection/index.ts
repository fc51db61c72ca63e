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
    clock: browserClock, keep, ids: browserIds, pageId, soon, carriers: browserCarriers(pageId, lock),
    recovered: keep.open(),
    onWake, onHide,
  });
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
