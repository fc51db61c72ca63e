import { nodeOf, parse, START } from '../outputs/ansi';
import type { Renderer } from '../outputs/registry';

declare global {
  interface Window {
    /** Of frame.html: puts HTML in, runs its scripts. */
    runnelFill?: (box: HTMLElement, item: { mime: string; data: string }) => void;
  }
}

/** Draws one captured output. What the frame's page draws already is left to it; formulas and Markdown are shown as they are written. */
export function draw(box: HTMLElement, renderer: Renderer, data: string, wrong: boolean, mime = 'text/plain'): void {
  switch (renderer) {
    case 'html':
    case 'javascript':
    case 'svg':
      window.runnelFill?.(box, { mime, data });
      return;
    case 'image': {
      const picture = document.createElement('img');
      picture.src = `data:${mime};base64,${data.replace(/\s+/g, '')}`;
      picture.alt = 'Output of the widget';
      box.append(picture);
      return;
    }
    default: {
      const pre = document.createElement('pre');
      if (wrong) pre.className = 'wrong';
      pre.append(...parse(data, START).spans.map(nodeOf));
      box.append(pre);
    }
  }
}
