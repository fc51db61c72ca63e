// What runs inside the page while it is measured. Each function is sent there alone: it may use window.bench and nothing else of here.

/**
 * Before anything of the page: `bench.shown(fn)` calls fn with the time when the frame that has the present change is
 * drawn: this frame when one is being made, else the next. What is measured is measured here, so that the driver's own work (its
 * script in the page, its ways to and fro) is not in the figures; `bench.tell` is how the driver hears of it.
 */
export function instruments() {
  let making = false;
  const raf = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (fn) => raf((time) => {
    making = true;
    // After the observers of what fn changed.
    try { fn(time); } finally { queueMicrotask(() => { making = false; }); }
  });
  const shown = (fn) => {
    // Right after the frame, before other work that waits.
    const drawn = () => void scheduler.postTask(() => fn(performance.now()), { priority: 'user-blocking' });
    if (making) drawn();
    else raf(drawn);
  };
  const tell = (what, value) => console.debug(`bench ${what} ${JSON.stringify(value)}`);
  const everything = { childList: true, subtree: true, characterData: true };
  /** Tells when look() gives something for the first time, with the time of its frame, and what place() gives then: a place is asked for when the frame has found it. */
  const first = (what, look, place = () => ({})) => {
    const observer = new MutationObserver(() => {
      const found = look();
      if (!found) return;
      observer.disconnect();
      shown((at) => tell(what, { at, ...place(found) }));
    });
    observer.observe(document, everything);
  };
  window.bench = { shown, tell, first, everything };
  first('cell', () => document.querySelector('[data-cell]'));
  first('second cell', () => document.querySelector('[data-cell="cell-1"] .code-static'), (el) => {
    const box = el.getBoundingClientRect();
    return { x: box.x + box.width / 2, y: box.y + 12 };
  });
  first('prompt', () => {
    const box = document.querySelector('[data-cell="ask"] .ask input')?.getBoundingClientRect();
    return box && box.top >= 0 && box.bottom <= innerHeight;
  });
  first('editor', () => document.querySelector('[data-cell="cell-1"] .cm-focused'));
  let before;
  first('typed', () => {
    const text = document.querySelector('[data-cell="cell-1"] .cm-content')?.textContent;
    before ??= text;
    return text !== before;
  });
}

/** When each of these scripts was asked for. The browser lists one when it has come whole, so that is waited for. */
export async function whenAsked(urls) {
  for (;;) {
    const at = new Map(performance.getEntriesByType('resource').map((e) => [e.name, e.startTime]));
    if (urls.every((url) => at.has(url))) return [...at];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Notes how late each stamped line was when its frame was drawn. */
export function watchPrints() {
  window.late = [];
  let seen = 0;
  const look = () => {
    const text = document.querySelector('[data-cell="prints"]')?.textContent ?? '';
    const stamps = text.match(/1[0-9]{9}\.[0-9]+(?=\n)/g) ?? [];
    const fresh = stamps.slice(seen);
    seen = stamps.length;
    if (fresh.length === 0) return;
    window.bench.shown((at) => {
      for (const stamp of fresh) window.late.push(performance.timeOrigin + at - Number(stamp) * 1000);
    });
  };
  new MutationObserver(look).observe(document.body, window.bench.everything);
}

/** Notes the time from each key press to the frame that shows it in the cell. */
export function watchKeys(cell) {
  window.frames_ = [];
  let pressed = 0;
  addEventListener('keydown', (e) => { pressed = e.timeStamp; }, { capture: true });
  new MutationObserver(() => {
    if (!pressed) return;
    const from = pressed;
    pressed = 0;
    window.bench.shown((at) => window.frames_.push(at - from));
  }).observe(document.querySelector(`[data-cell="${cell}"]`), window.bench.everything);
}

/** Tells how long it took from the press of a button to the frame that shows the cell's run as interrupted. */
export function watchInterrupt(cell) {
  let pressed = 0;
  addEventListener('pointerdown', (e) => { pressed = e.timeStamp; }, { capture: true });
  const el = document.querySelector(`[data-cell="${cell}"]`);
  const observer = new MutationObserver(() => {
    if (!el.classList.contains('ended-interrupted')) return;
    observer.disconnect();
    window.bench.shown((at) => window.bench.tell('interrupted', { took: at - pressed }));
  });
  observer.observe(el, { attributes: true });
}

/** Notes in each frame how old the stamped value of the bar is that it shows. */
export function watchBar() {
  window.ages = [];
  const { shown, everything } = window.bench;
  const bar = () => document.querySelector('[data-cell="bar"] .out-text');
  let drawn = 0;
  new MutationObserver(() => {
    const stamp = Number(/1[0-9]{9}\.[0-9]+/.exec(bar()?.textContent ?? '')?.[0] ?? 0) * 1000;
    shown(() => { drawn = stamp; });
  }).observe(document.body, everything);
  const look = () => {
    // Before the first value there is none, and after the run it is right that it grows old. A change that is made later in this
    // same frame is in it, too, and is noted first.
    const age = (at) => window.ages.push(performance.timeOrigin + at - drawn);
    if (drawn && document.querySelector('[data-cell="bar"].is-running')) shown((at) => void scheduler.postTask(() => age(at), { priority: 'user-blocking' }));
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
