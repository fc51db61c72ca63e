/** Where a JSON text is broken. Browsers differ in what they tell, so the place is found here. */
export interface JsonError {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

export function jsonError(text: string): JsonError | null {
  try {
    JSON.parse(text);
    return null;
  } catch {
    const { at, message } = scan(text);
    const before = text.slice(0, at);
    return { message, line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
  }
}

const TOKEN = /[\s]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.]))/y;

type Want = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing';

const WORDS: Record<Want, string> = {
  value: 'a value is expected here',
  'value or end': 'a value or ] is expected here',
  key: 'a name in quotes is expected here',
  'key or end': 'a name in quotes or } is expected here',
  colon: 'a : is expected here',
  'comma or end': 'a comma or the end is expected here',
  nothing: 'nothing more is expected here',
};

function scan(text: string): { at: number; message: string } {
  const open: string[] = [];
  let want: Want = 'value';
  TOKEN.lastIndex = 0;
  for (;;) {
    const begin = skipSpace(text, TOKEN.lastIndex);
    TOKEN.lastIndex = begin;
    const m = TOKEN.exec(text);
    if (!m) return { at: begin, message: begin >= text.length ? 'the file ends too early' : WORDS[want] };
    const next: Want | null = step(want, m[1], m[2] !== undefined, open);
    if (next === null) return { at: begin, message: WORDS[want] };
    want = next;
  }
}

function skipSpace(text: string, from: number): number {
  let i = from;
  while (i < text.length && ' \t\r\n'.includes(text.charAt(i))) i++;
  return i;
}

/** What may come after this token; null when the token may not come. */
function step(want: Want, sign: string | undefined, isString: boolean, open: string[]): Want | null {
  const after = (): Want => (open.length === 0 ? 'nothing' : 'comma or end');
  const wantsValue = want === 'value' || want === 'value or end';
  if (sign === undefined) {
    if (want === 'key' || want === 'key or end') return isString ? 'colon' : null;
    return wantsValue ? after() : null;
  }
  if (sign === '{' || sign === '[') {
    if (!wantsValue) return null;
    open.push(sign);
    return sign === '{' ? 'key or end' : 'value or end';
  }
  if (sign === ':') return want === 'colon' ? 'value' : null;
  if (sign === ',') return want === 'comma or end' ? (open.at(-1) === '{' ? 'key' : 'value') : null;
  const fits = sign === '}' ? open.at(-1) === '{' && (want === 'key or end' || want === 'comma or end') : open.at(-1) === '[' && (want === 'value or end' || want === 'comma or end');
  if (!fits) return null;
  open.pop();
  return after();
}
