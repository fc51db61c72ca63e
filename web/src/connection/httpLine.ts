import { isRecord } from '../protocol/decode';
import type { OpenSocket, Socket, SocketEvents } from './wire';

/** What a line over plain HTTP needs: fetch, as the browser has it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * A socket over plain HTTP (P34), for where the Upgrade header does not get through: one POST opens the line, server-sent
 * events carry the server's messages, and a POST each batch of the client's, one after the other so that they keep their order.
 */
export function httpLine(fetch: Fetch, url: string): OpenSocket {
  return (events) => new HttpLine(fetch, url, events);
}

class HttpLine implements Socket {
  readonly #fetch: Fetch;
  readonly #events: SocketEvents;
  readonly #abort = new AbortController();
  #url: string;
  #queue: string[] = [];
  #sending = false;
  #over = false;

  constructor(fetch: Fetch, url: string, events: SocketEvents) {
    this.#fetch = fetch;
    this.#url = url;
    this.#events = events;
    this.#run().catch((problem: unknown) => this.#end(1006, String(problem)));
  }

  send(data: string): void {
    this.#queue.push(data);
    void this.#drain();
  }

  close(code = 1000, reason = ''): void {
    if (this.#over) return;
    void this.#call('DELETE', this.#url).catch(() => undefined);
    this.#end(code, reason);
  }

  async #run(): Promise<void> {
    const opened = await this.#call('POST', this.#url);
    if (opened.status === 401 || opened.status === 403) return this.#end(4002, 'not logged in');
    const answer: unknown = opened.ok ? await opened.json() : null;
    if (!isRecord(answer) || typeof answer['id'] !== 'string') return this.#end(1006, `the line was refused: ${opened.status}`);
    this.#url = `${this.#url}/${encodeURIComponent(answer['id'])}`;
    const stream = await this.#call('GET', this.#url);
    if (!stream.ok || !stream.body) return this.#end(1006, `the line was refused: ${stream.status}`);
    this.#events.open();
    const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new ServerSentEvents((event, data) => this.#event(event, data));
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#over) break;
      parser.push(value);
    }
    this.#end(1006, 'the line ended');
  }

  #event(event: string, data: string): void {
    if (this.#over) return;
    if (event !== 'close') return this.#events.message(data);
    const why: unknown = JSON.parse(data);
    const code = isRecord(why) && typeof why['code'] === 'number' ? why['code'] : 1006;
    this.#end(code, isRecord(why) && typeof why['reason'] === 'string' ? why['reason'] : '');
  }

  async #drain(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let data = this.#queue.shift(); data !== undefined && !this.#over; data = this.#queue.shift()) {
        const response = await this.#call('POST', this.#url, data);
        if (!response.ok) this.#end(response.status === 401 || response.status === 403 ? 4002 : 1006, `a message was refused: ${response.status}`);
      }
    } catch (problem) {
      this.#end(1006, String(problem));
    } finally {
      this.#sending = false;
    }
  }

  #call(method: string, url: string, body?: string): Promise<Response> {
    const headers: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const keep = method === 'DELETE' ? { keepalive: true } : { signal: this.#abort.signal };
    return this.#fetch(url, { method, headers, credentials: 'same-origin', cache: 'no-store', redirect: 'manual', ...(body === undefined ? {} : { body }), ...keep });
  }

  #end(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#abort.abort();
    this.#events.close(code, reason);
  }
}

/** Reads a stream of server-sent events, cut anywhere. */
export class ServerSentEvents {
  readonly #tell: (event: string, data: string) => void;
  #rest = '';
  #event = '';
  #data: string[] = [];

  constructor(tell: (event: string, data: string) => void) {
    this.#tell = tell;
  }

  push(chunk: string): void {
    const lines = (this.#rest + chunk).split(/\r?\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === '') {
      if (this.#data.length > 0) this.#tell(this.#event, this.#data.join('\n'));
      this.#event = '';
      this.#data = [];
    } else if (line.startsWith('data:')) this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
    else if (line.startsWith('event:')) this.#event = line.slice(6).trim();
  }
}
