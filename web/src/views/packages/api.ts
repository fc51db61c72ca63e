/** The packages of the environment that a notebook's kernel runs in, over HTTP. Answers are decoded, not trusted. */

export interface Package {
  readonly name: string;
  readonly version: string;
}

export interface Environment {
  readonly python: string;
  readonly packages: readonly Package[];
}

/** A refusal with a sentence for the person. */
export class Refused extends Error {}

const URL_ = '/runnel/v1/packages';
const obj = (v: unknown): Readonly<Record<string, unknown>> => (typeof v === 'object' && v !== null && !Array.isArray(v) ? Object.fromEntries(Object.entries(v)) : {});
const str = (v: unknown): string => (typeof v === 'string' ? v : '');

export function readEnvironment(value: unknown): Environment {
  const o = obj(value);
  const all: readonly unknown[] = Array.isArray(o.packages) ? o.packages : [];
  return { python: str(o.python), packages: all.map(obj).flatMap((p) => (str(p.name) === '' ? [] : [{ name: str(p.name), version: str(p.version) }])) };
}

export async function environmentOf(notebook: string, signal: AbortSignal): Promise<Environment> {
  const response = await ask(`${URL_}?notebook=${encodeURIComponent(notebook)}`, { signal });
  return readEnvironment(await response.json());
}

/** Installs a package, and tells what is being done. Aborted, it is ended on the server too. */
export async function install(notebook: string, requirement: string, line: (text: string) => void, signal: AbortSignal): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  const response = await ask(URL_, { method: 'POST', headers, body: JSON.stringify({ notebook, requirement }), signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const lines = new Lines();
  for (;;) {
    const part = await reader?.read();
    for (const said of lines.add(part?.value ?? '')) {
      if (said.error !== '') throw new Refused(said.error);
      if (said.done) return;
      line(said.line);
    }
    if (part?.done !== false) throw new Refused('The server does not say how it ended. The list shows what is there now.');
  }
}

/** Lines of JSON from the parts of a stream. */
export class Lines {
  #rest = '';

  add(text: string): readonly { line: string; done: boolean; error: string }[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.filter((l) => l !== '').map((l) => {
      const o = obj(parsed(l));
      return { line: str(o.line), done: o.done === true, error: str(o.error) };
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (problem) {
    if (init.signal?.aborted) throw problem;
    throw new Refused('The server cannot be reached.');
  }
  if (response.ok) return response;
  throw new Refused(str(obj(parsed(await response.text().catch(() => ''))).error) || `The server answered ${response.status}.`);
}
