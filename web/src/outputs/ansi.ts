/**
 * Text with ANSI colours as spans. Cursor movement is the server's business (it sends finished text); here only SGR (16, 256 and
 * true colours, bold, dim, italic, underline, inverse, strike), OSC 8 links and the removal of every other sequence.
 * The state goes from chunk to chunk, a sequence cut in two by a chunk included. No DOM except in `elementOf`.
 */

import { linksIn } from './links';

/** 0-255 is the palette; TRUE | rgb is a true colour; -1 is the default. */
export type Colour = number;
export const TRUE = 0x1000000;

export interface Style {
  readonly fg: Colour;
  readonly bg: Colour;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
  readonly strike: boolean;
  readonly hidden: boolean;
  readonly href: string;
}

export const PLAIN: Style = { fg: -1, bg: -1, bold: false, dim: false, italic: false, underline: false, inverse: false, strike: false, hidden: false, href: '' };

export interface Span {
  readonly text: string;
  readonly style: Style;
}

export interface AnsiState {
  readonly style: Style;
  /** The beginning of a sequence whose end has not come yet. */
  readonly carry: string;
}

export const START: AnsiState = { style: PLAIN, carry: '' };

const LONGEST_SEQUENCE = 4096;

/** Splits text into spans, from the state the text before left. */
export function parse(text: string, from: AnsiState): { spans: Span[]; state: AnsiState } {
  const all = from.carry + text;
  const spans: Span[] = [];
  let style = from.style;
  let at = 0;
  const push = (end: number) => {
    const plain = all.slice(at, end).replace(CONTROLS, '');
    if (plain) spans.push({ text: plain, style });
  };
  for (;;) {
    const esc = nextEscape(all, at);
    if (esc < 0) {
      push(all.length);
      return { spans, state: { style, carry: '' } };
    }
    push(esc);
    const seq = readSequence(all, esc);
    if (seq === null && all.length - esc < LONGEST_SEQUENCE) return { spans, state: { style, carry: all.slice(esc) } };
    if (seq === null) {
      at = esc + 1;
      continue;
    }
    style = apply(style, seq);
    at = seq.end;
  }
}

/** The text without any sequence. */
export function strip(text: string): string {
  return parse(text, START)
    .spans.map((s) => s.text)
    .join('');
}

// eslint-disable-next-line no-control-regex
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f\x80-\x9a\x9c-\x9f]/g;

function nextEscape(text: string, from: number): number {
  const esc = text.indexOf('\x1b', from);
  const csi = text.indexOf('\x9b', from);
  if (esc < 0) return csi;
  return csi < 0 ? esc : Math.min(esc, csi);
}

interface Sequence {
  readonly kind: 'sgr' | 'link' | 'other';
  readonly body: string;
  readonly end: number;
}

/** The sequence at `at`; null when its end is not there yet. */
function readSequence(text: string, at: number): Sequence | null {
  const short = text.charCodeAt(at) === 0x9b;
  const kind = short ? '[' : text[at + 1];
  if (kind === undefined) return null;
  const begin = short ? at + 1 : at + 2;
  if (kind === '[') return readCsi(text, begin);
  if (kind === ']') return readOsc(text, begin);
  if (kind === 'P' || kind === 'X' || kind === '^' || kind === '_') {
    const end = text.indexOf('\x1b\\', begin);
    return end < 0 ? null : { kind: 'other', body: '', end: end + 2 };
  }
  if (kind >= ' ' && kind <= '/') {
    return text[begin] === undefined ? null : { kind: 'other', body: '', end: begin + 1 };
  }
  return { kind: 'other', body: '', end: begin };
}

function readCsi(text: string, begin: number): Sequence | null {
  for (let i = begin; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x40 && c <= 0x7e) return { kind: text[i] === 'm' ? 'sgr' : 'other', body: text.slice(begin, i), end: i + 1 };
    if (c < 0x20 || c > 0x3f) return { kind: 'other', body: '', end: i };
  }
  return null;
}

function readOsc(text: string, begin: number): Sequence | null {
  for (let i = begin; i < text.length; i++) {
    const bell = text[i] === '\x07';
    if (!bell && !(text[i] === '\x1b' && text[i + 1] === '\\')) continue;
    const body = text.slice(begin, i);
    return { kind: body.startsWith('8;') ? 'link' : 'other', body, end: i + (bell ? 1 : 2) };
  }
  return null;
}

function apply(style: Style, seq: Sequence): Style {
  if (seq.kind === 'link') return { ...style, href: safeLink(seq.body.slice(seq.body.indexOf(';', 2) + 1)) };
  return seq.kind === 'sgr' ? applySgr(style, seq.body) : style;
}

/** A link that may be shown: the web and mail only. */
export function safeLink(href: string): string {
  return /^(https?:\/\/|mailto:)[^\s]/i.test(href) ? href : '';
}

const TOGGLES: Record<number, Partial<Style>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  8: { hidden: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  28: { hidden: false },
  29: { strike: false },
  39: { fg: -1 },
  49: { bg: -1 },
};

function applySgr(style: Style, body: string): Style {
  if (/[^0-9;:]/.test(body)) return style;
  let out = style;
  const groups = body.split(';');
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i] ?? '';
    const code = Number.parseInt(group || '0', 10);
    if (code === 38 || code === 48) {
      const colour = group.includes(':') ? colonColour(group) : semicolonColour(groups, i);
      i = colour.next ?? i;
      if (colour.value !== null) out = code === 38 ? { ...out, fg: colour.value } : { ...out, bg: colour.value };
      continue;
    }
    out = applyCode(out, code, group);
  }
  return out;
}

function applyCode(style: Style, code: number, group: string): Style {
  if (code === 0) return { ...PLAIN, href: style.href };
  if (group === '4:0') return { ...style, underline: false };
  const toggle = TOGGLES[code];
  if (toggle) return { ...style, ...toggle };
  if (code >= 30 && code <= 37) return { ...style, fg: code - 30 };
  if (code >= 40 && code <= 47) return { ...style, bg: code - 40 };
  if (code >= 90 && code <= 97) return { ...style, fg: code - 82 };
  if (code >= 100 && code <= 107) return { ...style, bg: code - 92 };
  return style;
}

interface ColourRead {
  readonly value: Colour | null;
  readonly next?: number;
}

const byte = (text: string | undefined): number | null => {
  const n = Number.parseInt(text ?? '', 10);
  return n >= 0 && n <= 255 ? n : null;
};

function rgb(r: number | null, g: number | null, b: number | null): Colour | null {
  return r === null || g === null || b === null ? null : TRUE | (r << 16) | (g << 8) | b;
}

function semicolonColour(groups: readonly string[], i: number): ColourRead {
  if (groups[i + 1] === '5') return { value: byte(groups[i + 2]), next: i + 2 };
  if (groups[i + 1] === '2') return { value: rgb(byte(groups[i + 2]), byte(groups[i + 3]), byte(groups[i + 4])), next: i + 4 };
  return { value: null };
}

/** 38:5:n, 38:2:r:g:b and 38:2::r:g:b. */
function colonColour(group: string): ColourRead {
  const parts = group.split(':');
  if (parts[1] === '5') return { value: byte(parts[2]) };
  if (parts[1] !== '2') return { value: null };
  const [r, g, b] = parts.slice(-3);
  return { value: rgb(byte(r), byte(g), byte(b)) };
}

const LEVELS = [0, 95, 135, 175, 215, 255];

/** The CSS of a colour that is no theme colour (0-15 are classes). */
export function cssColour(colour: Colour): string {
  if (colour >= TRUE) return `#${(colour & 0xffffff).toString(16).padStart(6, '0')}`;
  if (colour >= 232) {
    const v = 8 + (colour - 232) * 10;
    return `rgb(${v} ${v} ${v})`;
  }
  const n = colour - 16;
  return `rgb(${LEVELS[Math.floor(n / 36)]} ${LEVELS[Math.floor(n / 6) % 6]} ${LEVELS[n % 6]})`;
}

/** The node that shows a span: a text node when it is plain. */
export function nodeOf(span: Span): Node {
  const pieces = span.style.href ? [] : linksIn(span.text);
  if (pieces.length < 2 && pieces[0]?.href === undefined) return elementOf(span);
  const all = document.createDocumentFragment();
  for (const { text, href } of pieces) all.append(elementOf({ text, style: href ? { ...span.style, href } : span.style }));
  return all;
}

function elementOf(span: Span): Node {
  const { style } = span;
  if (isPlain(style)) return document.createTextNode(span.text);
  const el = document.createElement(style.href ? 'a' : 'span');
  el.textContent = span.text;
  if (el instanceof HTMLAnchorElement) {
    el.href = style.href;
    el.target = '_blank';
    el.rel = 'noopener noreferrer';
  }
  const fg = style.inverse ? style.bg : style.fg;
  const bg = style.inverse ? style.fg : style.bg;
  el.className = classes(style, fg, bg);
  // The palette was made for black screens: a little of the text's own colour keeps it readable on both themes.
  if (fg > 15) el.style.color = fg < TRUE ? `color-mix(in oklab, ${cssColour(fg)} 60%, var(--text))` : cssColour(fg);
  if (bg > 15) el.style.backgroundColor = cssColour(bg);
  return el;
}

function isPlain(s: Style): boolean {
  return s === PLAIN || (s.fg < 0 && s.bg < 0 && !s.bold && !s.dim && !s.italic && !s.underline && !s.inverse && !s.strike && !s.hidden && !s.href);
}

function classes(s: Style, fg: Colour, bg: Colour): string {
  const out: string[] = [];
  if (fg >= 0 && fg < 16) out.push(`f${fg}`);
  if (bg >= 0 && bg < 16) out.push(`b${bg}`);
  if (bg >= 0) out.push('on');
  if (s.inverse && fg < 0) out.push('fi');
  if (s.inverse && bg < 0) out.push('bi');
  for (const name of ['bold', 'dim', 'italic', 'underline', 'strike', 'hidden'] as const) if (s[name]) out.push(`a-${name}`);
  return out.join(' ');
}
