/** What every output frame needs of the page. */
import interUrl from '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2?url';
import monoUrl from '@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2?url';
import { useEffect, useState, type RefObject } from 'react';
import { shownTheme } from '../ui/theme';

export const URL_OF_FRAME = import.meta.env.DEV ? '/frame.html' : '/frame';
const ANSI = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'].flatMap((name) => [`--ansi-${name}`, `--ansi-bright-${name}`]);
const TOKENS = ['--bg', '--surface', '--sunken', '--line', '--line-strong', '--text', '--muted', '--faint', '--accent', '--accent-soft', '--hover', '--err', '--sans', '--mono', '--on-accent', '--accent-strong', '--ok', '--warn', ...ANSI];

/** True once the element has come near the viewport. */
export function useNear(box: RefObject<HTMLElement | null>): boolean {
  const [near, setNear] = useState(false);
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const watch = new IntersectionObserver(
      (entries) => {
        if (entries.some((e) => e.isIntersecting)) setNear(true);
      },
      { rootMargin: '600px 0px' },
    );
    watch.observe(el);
    return () => watch.disconnect();
  }, [box]);
  return near;
}

export interface Font {
  readonly family: string;
  readonly data: ArrayBuffer;
}

let fonts: Promise<readonly Font[]> | undefined;

/** The page's typefaces as bytes, fetched once: a frame of an opaque origin cannot fetch them itself. */
export function loadFonts(): Promise<readonly Font[]> {
  const load = async (family: string, url: string) => ({ family, data: await (await fetch(url)).arrayBuffer() });
  fonts ??= Promise.all([load('Inter Variable', interUrl), load('JetBrains Mono Variable', monoUrl)]).catch(() => []);
  return fonts;
}

const codes = new Map<string, Promise<string>>();

/** A script of the page as text, fetched once, and again after it failed: a frame of an opaque origin cannot fetch it itself. */
export function codeOf(url: string): Promise<string> {
  const known = codes.get(url);
  if (known) return known;
  const code = fetch(url).then((r) => (r.ok ? r.text() : Promise.reject(new Error(`the server answered ${r.status}`))));
  code.catch(() => codes.delete(url));
  codes.set(url, code);
  return code;
}

/** How the page looks now, for a frame. */
export function themeNow(): { scheme: string; vars: Record<string, string> } {
  const style = getComputedStyle(document.documentElement);
  return { scheme: shownTheme(), vars: Object.fromEntries(TOKENS.map((name) => [name, style.getPropertyValue(name).trim()])) };
}
