/** Footnotes as GitHub draws them, a chunk of its own: `[^name]` in the text, and `[^name]: what it says` where a line begins. */
import { Marked, type MarkedExtension, type Token, type TokenizerAndRendererExtension } from 'marked';

/** A footnote that the text refers to. */
export interface Footnote {
  readonly number: number;
  readonly html: string;
  /** How many places refer to it. */
  readonly times: number;
}

/** Where one begins, alone on its line. */
const DEFINITION = /^ {0,3}\[\^([^\]\s]+)\]:[ \t]*/;
/** What ends the lines that belong to one without being indented. */
const BLOCK = /^ {0,3}(?:#{1,6}\s|>|```|~~~|[-*+]\s|\d{1,9}[.)]\s|\[\^[^\]\s]+\]:)/;
const LINE = /[^\n]*(?:\n|$)/y;

/** The HTML of a text, with links to `#fn-1` where it refers to footnotes, and these, in the order in which they are referred to. */
export function parseWithFootnotes(source: string, options: MarkedExtension): { html: string; notes: Footnote[] } {
  const defined = new Map<string, Token[]>();
  const used: { readonly label: string; times: number }[] = [];
  const definition: TokenizerAndRendererExtension = {
    name: 'footnote',
    level: 'block',
    start(src) {
      const end = src.indexOf('\n\n');
      return (end < 0 ? src : src.slice(0, end)).search(/^ {0,3}\[\^[^\]\s]+\]:/m);
    },
    tokenizer(src) {
      const found = definitionAt(src);
      if (!found) return undefined;
      const tokens: Token[] = [];
      if (!defined.has(found.label)) defined.set(found.label, tokens);
      this.lexer.blockTokens(found.text, tokens);
      return { type: 'footnote', raw: found.raw, tokens };
    },
    renderer: () => '',
  };
  const reference: TokenizerAndRendererExtension = {
    name: 'footnoteReference',
    level: 'inline',
    start: (src) => src.indexOf('[^'),
    tokenizer(src) {
      const found = /^\[\^([^\]\s]+)\]/.exec(src);
      const label = found?.[1]?.toLowerCase() ?? '';
      return found && defined.has(label) ? { type: 'footnoteReference', raw: found[0], label } : undefined;
    },
    renderer({ label }) {
      let at = used.findIndex((note) => note.label === label);
      if (at < 0) at = used.push({ label: String(label), times: 0 }) - 1;
      const note = used[at];
      if (note) note.times++;
      return `<sup><a href="#fn-${at + 1}">${at + 1}</a></sup>`;
    },
  };
  const marked = new Marked(options, { extensions: [definition, reference] });
  const html = marked.parse(source, { async: false });
  const bodies: string[] = [];
  // A footnote may refer to further ones.
  for (let i = 0; i < used.length; i++) bodies.push(marked.parser(defined.get(used[i]?.label ?? '') ?? []));
  return { html, notes: used.map(({ times }, i) => ({ number: i + 1, html: bodies[i] ?? '', times })) };
}

/** The definition that a text begins with: its first line, those that go on with it, and all that is indented under it. */
function definitionAt(src: string): { raw: string; label: string; text: string } | null {
  const head = DEFINITION.exec(src);
  if (!head) return null;
  const lineAt = (at: number) => {
    LINE.lastIndex = at;
    return LINE.exec(src)?.[0] ?? '';
  };
  const first = lineAt(head[0].length);
  const lines = [first];
  let [end, at, blank] = [head[0].length + first.length, head[0].length + first.length, first.trim() === ''];
  let empty: string[] = [];
  while (at < src.length) {
    const line = lineAt(at);
    at += line.length;
    if (line.trim() === '') {
      empty.push('\n');
      blank = true;
      continue;
    }
    const indented = /^(?: {4}|\t)/.exec(line);
    if (!indented && (blank || BLOCK.test(line))) break;
    lines.push(...empty, line.slice(indented?.[0].length ?? 0));
    [end, empty, blank] = [at, [], false];
  }
  return { raw: src.slice(0, end), label: (head[1] ?? '').toLowerCase(), text: lines.join('') };
}

/** Puts the footnotes under the text that refers to them; each leads to the other. `clean` makes nodes of their HTML. */
export function putFootnotes(body: Element, notes: readonly Footnote[], clean: (html: string) => Element): void {
  if (notes.length === 0) return;
  const list = document.createElement('ol');
  for (const { number, html, times } of notes) {
    const item = document.createElement('li');
    item.dataset.anchor = `fn-${number}`;
    item.tabIndex = -1;
    item.append(...clean(html).childNodes);
    const last = item.lastElementChild instanceof HTMLParagraphElement ? item.lastElementChild : item;
    for (let n = 1; n <= times; n++) last.append(' ', backLink(number, n));
    list.append(item);
  }
  const section = document.createElement('section');
  section.className = 'footnotes';
  section.setAttribute('aria-label', 'Footnotes');
  section.append(list);
  body.append(section);
  const seen = new Map<string, number>();
  for (const link of body.querySelectorAll<HTMLElement>('sup > a[href^="#fn-"]')) {
    const number = link.getAttribute('href')?.slice('#fn-'.length) ?? '';
    const n = (seen.get(number) ?? 0) + 1;
    seen.set(number, n);
    link.dataset.anchor = `fnref-${number}-${n}`;
    link.setAttribute('aria-label', `Footnote ${number}`);
  }
}

function backLink(number: number, n: number): Element {
  const link = document.createElement('a');
  link.href = `#fnref-${number}-${n}`;
  link.setAttribute('aria-label', `Back to the text, footnote ${number}${n > 1 ? `, place ${n}` : ''}`);
  link.append('\u21a9\ufe0e');
  if (n > 1) {
    const nth = document.createElement('sup');
    nth.append(String(n));
    link.append(nth);
  }
  return link;
}
