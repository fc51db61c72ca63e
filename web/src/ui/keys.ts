/**
 * Keys as text: "Shift+Enter", "Accel+S", "D D" (one after the other), "Ctrl+Shift+-". Accel is Command on Apple keyboards and
 * Control elsewhere. A letter means the key that types it; on a layout that types no Latin letters, the key in its place.
 */

export interface KeyLike {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

export const isApple = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);

interface Stroke {
  readonly key: string;
  readonly ctrl: boolean;
  readonly meta: boolean;
  readonly alt: boolean;
  readonly shift: boolean;
}

function parseStroke(text: string, apple: boolean): Stroke {
  const parts = text.split('+');
  const has = (name: string) => parts.includes(name);
  const accel = has('Accel');
  return {
    key: (parts.at(-1) ?? '').toLowerCase(),
    ctrl: has('Ctrl') || (accel && !apple),
    meta: has('Meta') || (accel && apple),
    alt: has('Alt'),
    shift: has('Shift'),
  };
}

const parsed = new Map<string, readonly Stroke[]>();

function strokes(text: string, apple: boolean): readonly Stroke[] {
  const id = `${apple ? 'a' : ''}${text}`;
  let out = parsed.get(id);
  if (!out) {
    out = text.split(' ').map((part) => parseStroke(part, apple));
    parsed.set(id, out);
  }
  return out;
}

const CODES: Record<string, string> = { '-': 'Minus', ' ': 'Space', '\\': 'Backslash', '/': 'Slash', '.': 'Period', ',': 'Comma' };

function keyMatches(want: string, e: KeyLike): boolean {
  const got = e.key.toLowerCase();
  if (want === 'space') return got === ' ';
  if (got === want) return true;
  if (want.length !== 1) return false;
  if (CODES[want] === e.code) return true;
  if (/[0-9]/.test(want)) return e.code === `Digit${want}`;
  // Another alphabet, or Alt typing a sign: go by the key's place.
  const strange = got.length === 1 && !/[a-z]/.test(got);
  return strange && e.code === `Key${want.toUpperCase()}`;
}

function strokeMatches(stroke: Stroke, e: KeyLike): boolean {
  return (
    stroke.ctrl === e.ctrlKey && stroke.meta === e.metaKey && stroke.alt === e.altKey && stroke.shift === e.shiftKey && keyMatches(stroke.key, e)
  );
}

/** How a list of pressed keys (oldest first) stands to a binding: all of it, its beginning, or not at all. */
export function match(binding: string, pressed: readonly KeyLike[], apple = isApple): 'full' | 'partial' | 'none' {
  const want = strokes(binding, apple);
  if (pressed.length > want.length) return 'none';
  for (const [i, e] of pressed.entries()) {
    const stroke = want[i];
    if (!stroke || !strokeMatches(stroke, e)) return 'none';
  }
  return pressed.length === want.length ? 'full' : 'partial';
}

const NAMES: Record<string, string> = { arrowup: '↑', arrowdown: '↓', arrowleft: '←', arrowright: '→', enter: 'Enter', escape: 'Esc', backspace: '⌫', space: 'Space' };

/** The binding as a person reads it: "Ctrl S", "⌘ S", "D D". */
export function keyText(binding: string, apple = isApple): string {
  return binding
    .split(' ')
    .map((part) =>
      part
        .split('+')
        .map((name) => {
          if (name === 'Accel') return apple ? '⌘' : 'Ctrl';
          if (apple && name === 'Ctrl') return '⌃';
          if (apple && name === 'Alt') return '⌥';
          if (name === 'Shift') return apple ? '⇧' : 'Shift';
          return NAMES[name.toLowerCase()] ?? name;
        })
        .join(' '),
    )
    .join(', ');
}

/** The same for aria-keyshortcuts. */
export function ariaKeys(binding: string, apple = isApple): string {
  return binding.replaceAll('Accel', apple ? 'Meta' : 'Control').replaceAll('Ctrl', 'Control');
}
