/**
 * Finds the formulas of a text: $...$, $$...$$, \(...\), \[...\] and \begin{...}...\end{...}, none of them in code. They are taken
 * out before Markdown is read, so that it cannot touch them, and put back after.
 */
export interface Formula {
  readonly tex: string;
  readonly display: boolean;
}

const TOKEN = /(^|\n)(```|~~~)[\s\S]*?(?:\n\2[^\n]*(?=\n|$)|$)|(`+)[^`][\s\S]*?\3|\\\\\[([\s\S]+?)\\\\\]|\\\[([\s\S]+?)\\\]|\\\(([\s\S]+?)\\\)|\$\$([\s\S]+?)\$\$|\\begin\{(\w+\*?)\}[\s\S]+?\\end\{\8\}|\\\$|\$(?!\s)((?:\\.|[^$\\\n]|\n(?!\n))+?)(?<!\s)\$(?!\d)/g;

const place = (i: number) => `\u0002m${i}\u0003`;

export function takeOut(text: string): { text: string; formulas: Formula[] } {
  const formulas: Formula[] = [];
  const put = (tex: string, display: boolean) => {
    formulas.push({ tex, display });
    return place(formulas.length - 1);
  };
  const out = text.replace(TOKEN, (whole: string, ...groups: (string | undefined)[]) => {
    const [, fence, code, bracketTwo, bracket, paren, dollars, environment, dollar] = groups;
    if (fence !== undefined || code !== undefined || whole === '\\$') return whole;
    if (environment !== undefined) return put(whole, true);
    const display = bracketTwo ?? bracket ?? dollars;
    if (display !== undefined) return put(display, true);
    return put(paren ?? dollar ?? '', false);
  });
  return { text: out, formulas };
}

/** Text cut at the places of formulas: texts and the formulas' numbers. */
export function splitPlaces(text: string): (string | number)[] {
  // eslint-disable-next-line no-control-regex
  return text.split(/\u0002m(\d+)\u0003/).map((part, i) => (i % 2 === 1 ? Number(part) : part)).filter((part) => part !== '');
}

/** The body of a text/latex value, without its dollars. */
export function texOf(latex: string): Formula {
  const text = latex.trim();
  const m = /^\$\$([\s\S]+)\$\$$|^\\\[([\s\S]+)\\\]$/.exec(text);
  if (m) return { tex: m[1] ?? m[2] ?? '', display: true };
  const inline = /^\$([^$]+)\$$|^\\\(([\s\S]+)\\\)$/.exec(text);
  if (inline) return { tex: inline[1] ?? inline[2] ?? '', display: false };
  return { tex: text, display: true };
}
