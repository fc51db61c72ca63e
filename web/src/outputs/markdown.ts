/** Markdown to clean nodes, a chunk of its own: fetched with the first Markdown cell or output. */
import DOMPurify from 'dompurify';
import { Marked, type MarkedExtension } from 'marked';
import { splitPlaces, takeOut, type Formula } from './mathText';

const OPTIONS: MarkedExtension = { gfm: true, breaks: false, renderer: { code: fence, html: ({ text }) => unstyled(text) } };
const marked = new Marked(OPTIONS);

/** Raw HTML without its style attributes. The cleaning drops them too, but it has the browser read them first, and each would be a violation of the page's policy. */
function unstyled(html: string): string {
  return html.replace(/<[a-z][^<>]*>/gi, (tag) => tag.replace(/\s([^\s=>"'/]+)(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))?/g, (whole, name: string) => (name.toLowerCase() === 'style' ? '' : whole)));
}

/** A fence keeps its language in an attribute that outlives the cleaning. */
function fence({ text, lang }: { text: string; lang?: string }): string {
  const language = /^[\w+#-]+/.exec(lang ?? '')?.[0];
  const code = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<pre><code${language ? ` lang="${language}"` : ''}>${code}\n</code></pre>\n`;
}

/** Coloured code: lines of pieces, each with its class. */
export type Coloured = readonly (readonly { readonly text: string; readonly className: string }[])[];

export interface MarkdownOptions {
  /** The URL of a picture or link as written: attachments and files beside the notebook. */
  readonly resolve: (url: string) => string;
  /** The colours of a fence's code; null when the language is not known. */
  readonly colour?: (code: string, language: string) => Promise<Coloured | null>;
}

/** Nodes that are safe to put into the page: no scripts, styles, forms or frames. Formulas have styles, which a copy of the nodes keeps and HTML would not. */
export async function toNodes(source: string, options: MarkdownOptions): Promise<DocumentFragment> {
  const { text, formulas } = takeOut(source);
  const body = await read(text, (html) => sanitise(html, options.resolve));
  if (formulas.length > 0) {
    const { formula } = await import('./math');
    putFormulas(body, formulas, formula);
  }
  await colourFences(body, options.colour ?? (async () => null));
  const nodes = document.createDocumentFragment();
  nodes.append(...body.childNodes);
  return nodes;
}

async function read(text: string, clean: (html: string) => HTMLElement): Promise<HTMLElement> {
  if (!/\[\^[^\]\s]+\]:/.test(text)) return clean(marked.parse(text, { async: false }));
  const { parseWithFootnotes, putFootnotes } = await import('./footnotes');
  const { html, notes } = parseWithFootnotes(text, OPTIONS);
  const body = clean(html);
  putFootnotes(body, notes, clean);
  return body;
}

async function colourFences(body: Element, colour: NonNullable<MarkdownOptions['colour']>): Promise<void> {
  for (const code of body.querySelectorAll('pre > code[lang]')) {
    const lines = await colour((code.textContent ?? '').replace(/\n$/, ''), code.getAttribute('lang') ?? '').catch(() => null);
    code.removeAttribute('lang');
    if (lines) code.replaceChildren(...lines.flatMap((line, i) => [...(i > 0 ? ['\n'] : []), ...line.map(piece)]));
  }
}

function piece({ text, className }: Coloured[number][number]): Node | string {
  if (className === '') return text;
  const el = document.createElement('span');
  el.className = className;
  el.textContent = text;
  return el;
}

/** Formulas go into text only; one that ended up in an attribute stays TeX. */
function putFormulas(body: Element, formulas: readonly Formula[], render: (tex: string, display: boolean) => Node): void {
  const texts: globalThis.Text[] = [];
  const walk = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) if (node instanceof globalThis.Text && node.data.includes('\u0002')) texts.push(node);
  for (const node of texts) {
    const parts = splitPlaces(node.data).map((part) => {
      const f = typeof part === 'number' ? formulas[part] : undefined;
      return f ? render(f.tex, f.display) : document.createTextNode(String(part));
    });
    node.replaceWith(...parts);
  }
  for (const el of body.querySelectorAll('[alt],[title],[href],[src]')) {
    for (const { name, value } of Array.from(el.attributes)) {
      if (value.includes('\u0002')) el.setAttribute(name, splitPlaces(value).map((p) => (typeof p === 'number' ? (formulas[p]?.tex ?? '') : p)).join(''));
    }
  }
}

function sanitise(html: string, resolve: (url: string) => string): HTMLElement {
  const body = document.createElement('div');
  body.append(
    DOMPurify.sanitize(html, {
      RETURN_DOM_FRAGMENT: true,
      FORBID_TAGS: ['style', 'form', 'button', 'textarea', 'select', 'iframe', 'object', 'embed', 'dialog'],
      FORBID_ATTR: ['style', 'id', 'name', 'class'],
      ALLOW_DATA_ATTR: false,
      ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|data:image\/|attachment:|#|\/|\.|[^:]*$)/i,
    }),
  );
  for (const img of body.querySelectorAll('img')) {
    img.src = resolve(img.getAttribute('src') ?? '');
    img.loading = 'lazy';
    // Without a text it says nothing to who does not see it.
    img.alt = img.getAttribute('alt') ?? '';
  }
  for (const a of body.querySelectorAll('a[href]')) setLink(a, resolve);
  for (const box of body.querySelectorAll('input')) {
    if (box.type !== 'checkbox') {
      box.remove();
      continue;
    }
    box.disabled = true;
    box.setAttribute('aria-label', (box.closest('li')?.textContent ?? '').trim().split('\n', 1)[0] || 'Task');
  }
  for (const h of body.querySelectorAll('h1,h2,h3,h4,h5,h6')) h.setAttribute('data-heading', (h.textContent ?? '').trim().replaceAll(' ', '-'));
  for (const table of body.querySelectorAll('table')) {
    const box = document.createElement('div');
    box.className = 'md-table';
    table.replaceWith(box);
    box.append(table);
  }
  return body;
}

function setLink(a: Element, resolve: (url: string) => string): void {
  const href = a.getAttribute('href') ?? '';
  if (href.startsWith('#')) return;
  a.setAttribute('href', resolve(href));
  a.setAttribute('target', '_blank');
  a.setAttribute('rel', 'noopener noreferrer');
}
