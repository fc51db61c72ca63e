/**
 * Dragging cells by their handle: all selected ones when the handle is of one of them. A line shows where they land, near the edges the
 * notebook scrolls, Escape leaves all as it was. The keys that move cells do the same for those who do not point.
 */
import type { CellId } from '../../protocol/types';
import type { NotebookController } from './controller';

/** So far the pointer moves before a press is a drag. */
const SLACK = 4;
/** So near to an edge the notebook scrolls, by up to so much a frame. */
const EDGE = 56;
const FASTEST = 22;

export interface Span {
  readonly top: number;
  readonly bottom: number;
}

/** Before which of the spans, from the top down, something let go of at y lands; their number: after the last. */
export function landing(spans: readonly Span[], y: number): number {
  const below = spans.findIndex((s) => y < (s.top + s.bottom) / 2);
  return below < 0 ? spans.length : below;
}

/** How much to scroll in this frame: up (negative) or down near the edges, the faster the nearer. */
export function scrollBy(view: Span, y: number): number {
  const up = view.top + EDGE - y;
  const down = y - (view.bottom - EDGE);
  const part = (n: number) => Math.min(1, n / EDGE) * FASTEST;
  return up > 0 ? -part(up) : down > 0 ? part(down) : 0;
}

/** Follows a pointer that was pressed on a cell's handle until it is let go of. */
export function beginDrag(press: PointerEvent, notebook: NotebookController, id: CellId): void {
  const column = press.target instanceof Element ? press.target.closest<HTMLElement>('.column') : null;
  const scroller = column?.closest<HTMLElement>('.main');
  if (!column || !scroller || press.button !== 0) return;
  if (!notebook.cursor.selection.get().all.has(id)) notebook.cursor.select(id);
  new Drag(press, notebook, column, scroller);
}

class Drag {
  readonly #notebook: NotebookController;
  readonly #column: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #ids: readonly CellId[];
  readonly #line = document.createElement('div');
  readonly #end = new AbortController();
  readonly #began: { readonly x: number; readonly y: number };
  #y: number;
  #on = false;
  #frame = 0;
  #before: CellId | null = null;

  constructor(press: PointerEvent, notebook: NotebookController, column: HTMLElement, scroller: HTMLElement) {
    this.#notebook = notebook;
    this.#column = column;
    this.#scroller = scroller;
    this.#ids = notebook.cursor.selected();
    this.#began = { x: press.clientX, y: press.clientY };
    this.#y = press.clientY;
    this.#line.className = 'drop-line';
    const { signal } = this.#end;
    const same = (fn: (e: PointerEvent) => void) => (e: PointerEvent) => e.pointerId === press.pointerId && fn(e);
    addEventListener('pointermove', same((e) => this.#move(e)), { signal });
    addEventListener('pointerup', same(() => this.#stop(this.#on)), { signal });
    addEventListener('pointercancel', same(() => this.#stop(false)), { signal });
    addEventListener('blur', () => this.#stop(false), { signal });
    addEventListener('keydown', (e) => this.#key(e), { signal, capture: true });
  }

  #move(e: PointerEvent): void {
    this.#y = e.clientY;
    if (this.#on || Math.hypot(e.clientX - this.#began.x, e.clientY - this.#began.y) < SLACK) return;
    this.#on = true;
    document.documentElement.classList.add('dragging');
    for (const id of this.#ids) this.#element(id)?.setAttribute('data-dragged', '');
    this.#column.append(this.#line);
    this.#follow();
  }

  /** Once a frame: scrolls, and puts the line where the cells would land now. */
  readonly #follow = (): void => {
    this.#frame = requestAnimationFrame(this.#follow);
    this.#scroller.scrollTop += scrollBy(this.#scroller.getBoundingClientRect(), this.#y);
    const cells = [...this.#column.querySelectorAll<HTMLElement>('.cell:not([hidden])')];
    const spans = cells.map((el) => el.getBoundingClientRect());
    const at = landing(spans, this.#y);
    const shown = this.#notebook.sections.visible();
    this.#before = shown[at] ?? null;
    const edge = spans[at]?.top ?? spans.at(-1)?.bottom ?? 0;
    this.#line.style.top = `${edge - this.#column.getBoundingClientRect().top - 7}px`;
  };

  #key(e: KeyboardEvent): void {
    if (e.key !== 'Escape') return;
    e.preventDefault();
    e.stopPropagation();
    this.#stop(false);
  }

  #stop(drop: boolean): void {
    this.#end.abort();
    cancelAnimationFrame(this.#frame);
    this.#line.remove();
    document.documentElement.classList.remove('dragging');
    for (const id of this.#ids) this.#element(id)?.removeAttribute('data-dragged');
    if (!drop) return;
    const { cursor } = this.#notebook;
    this.#notebook.moveTo(this.#ids, this.#before === null ? cursor.cells().length : cursor.indexOf(this.#before));
  }

  #element(id: CellId): HTMLElement | null {
    return this.#column.querySelector<HTMLElement>(`[data-cell="${CSS.escape(id)}"]`);
  }
}
