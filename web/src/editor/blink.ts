import { ViewPlugin, type EditorView, type ViewUpdate } from '@codemirror/view';

/** How long the caret is seen, and then not. */
const HALF_MS = 600;

/**
 * The caret blinks by a timer: twice in 1.2 s one frame is drawn. The editor's own blinking is an endless animation, for which the
 * browser makes every frame of the screen, and a key press would wait for its turn among them.
 */
export const blink = ViewPlugin.fromClass(
  class {
    readonly #view: EditorView;
    #timer: ReturnType<typeof setInterval> | undefined;
    #dark = false;

    constructor(view: EditorView) {
      this.#view = view;
      this.#restart();
    }

    update(update: ViewUpdate): void {
      if (update.docChanged || update.selectionSet || update.focusChanged) this.#restart();
    }

    destroy(): void {
      clearInterval(this.#timer);
    }

    /** Seen from now on: after each key the caret is there. */
    #restart(): void {
      clearInterval(this.#timer);
      this.#put(false);
      this.#timer = this.#view.hasFocus && !calm() ? setInterval(() => this.#put(!this.#dark), HALF_MS) : undefined;
    }

    #put(dark: boolean): void {
      if (dark === this.#dark) return;
      this.#dark = dark;
      this.#view.scrollDOM.classList.toggle('cm-caret-dark', dark);
    }
  },
);

function calm(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
