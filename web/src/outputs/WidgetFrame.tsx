import { useContext, useEffect, useRef, useState } from 'react';
import type { CellId, Json, JsonObject, Widget, WidgetId } from '../protocol/types';
import { json as jsonValue, jsonObject, widgetId } from '../protocol/decode';
import { heights } from '../ui/local';
import { onTheme } from '../ui/theme';
import codeUrl from '../widgets/widgets?worker&url';
import type { FromWidgets, ModelChange, ToWidgets } from './widgetWords';
import { Surroundings, type OutputSurroundings } from './context';
import { codeOf, loadFonts, themeNow, URL_OF_FRAME, type Font } from './frameKit';
import { readFrameMessage } from './frameWords';
import { difference, fromBase64, isLive, reachable, resolved, toBase64 } from './widgetModels';

type Host = NonNullable<OutputSurroundings['widgets']>;

/** How many messages of one frame may be under way; its code sends the next after the answer, so more is somebody's mischief. */
const UNDER_WAY = 100;

/** The sandboxed frame of one widget, and what goes between it and the notebook's models. */
export function WidgetFrame(props: { host: Host; cell: CellId; root: string; heightKey: string; onUndrawn: (undrawn: boolean) => void }) {
  const { host, cell, root, heightKey, onUndrawn } = props;
  const ref = useRef<HTMLIFrameElement>(null);
  const [height, setHeight] = useState(() => heights.get(heightKey) || 40);
  const [failed, setFailed] = useState('');
  const [tooLarge, setTooLarge] = useState(false);
  const { leaveFrame } = useContext(Surroundings);
  useEffect(() => {
    const post = (message: object) => ref.current?.contentWindow?.postMessage({ runnel: 'frame', ...message }, '*');
    const dress = (fonts?: readonly Font[]) => post({ kind: 'render', theme: themeNow(), items: [], fonts });
    const link = new WidgetLink(host, cell, root, post);
    const onMessage = (e: MessageEvent) => {
      if (e.source === null || e.source !== ref.current?.contentWindow) return;
      const message = readFrameMessage(e.data);
      switch (message?.kind) {
        case 'ready':
          dress();
          void loadFonts().then(dress);
          codeOf(codeUrl).then((text) => post({ kind: 'script', code: text }), (error: unknown) => setFailed(error instanceof Error ? error.message : String(error)));
          return;
        case 'widgets': return link.start();
        case 'model':
          setTooLarge(false);
          return link.fromView(message);
        case 'too_large':
          setTooLarge(true);
          return link.refuse(message.id, message.token);
        case 'undrawn': return onUndrawn(message.undrawn);
        case 'escape': return leaveFrame();
        case 'open': return void open(message.href, '_blank', 'noopener,noreferrer');
        case 'height':
          setHeight(message.height);
          heights.set(heightKey, message.height);
      }
    };
    addEventListener('message', onMessage);
    const off = onTheme(() => dress());
    return () => {
      removeEventListener('message', onMessage);
      off();
      link.end();
    };
  }, [host, cell, root, heightKey, leaveFrame, onUndrawn]);
  if (failed !== '') return <div className="muted out-note">The widget could not be drawn: {failed}.</div>;
  return (
    <>
      <iframe ref={ref} title="Widget" src={URL_OF_FRAME} sandbox="allow-scripts" referrerPolicy="no-referrer" style={{ height }} />
      {tooLarge && <div className="muted out-note" role="status">What this widget has to say is too large to be sent: 1 MB at most.</div>}
    </>
  );
}

/** Keeps the models in a frame as the notebook has them, and passes on what a person does there. */
class WidgetLink {
  readonly #host: Host;
  readonly #cell: CellId;
  readonly #root: string;
  readonly #post: (message: object) => void;
  /** Names this view: its own changes come back by this name and are not put in again. */
  readonly #origin = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, '0')).join('');
  #has = new Map<string, Widget>();
  #live = new Map<string, boolean>();
  #queue: Promise<void> = Promise.resolve();
  #underWay = 0;
  readonly #offs: (() => void)[] = [];

  constructor(host: Host, cell: CellId, root: string, post: (message: object) => void) {
    this.#host = host;
    this.#cell = cell;
    this.#root = root;
    this.#post = post;
  }

  /** The frame's code is there: all models go, then each change. */
  start(): void {
    this.end();
    this.#has = new Map();
    this.#live = new Map();
    const update = () => this.#update();
    this.#offs.push(this.#host.widgets.subscribe(update), this.#host.kernel.subscribe(update));
    this.#offs.push(this.#host.on('widget_said', (e) => {
      if (this.#has.has(e.widget_id)) this.#send({ kind: 'model_said', id: e.widget_id, content: e.content, buffers: e.buffers.map(fromBase64) });
    }));
    update();
  }

  end(): void {
    for (const off of this.#offs.splice(0)) off();
  }

  #update(): void {
    const all: Readonly<Record<string, Widget>> = this.#host.widgets.get();
    const kernel = this.#host.kernel.get();
    const waits: Promise<readonly [string, ModelChange]>[] = [];
    for (const [id, widget] of reachable(this.#host.widgets.get(), this.#root)) {
      if (widget.closed) continue;
      const before = this.#has.get(id);
      const live = isLive(widget, kernel);
      const own = before !== undefined && widget.origin === this.#origin && before !== widget;
      const change = own ? null : difference(before, widget);
      this.#has.set(id, widget);
      if (!change && this.#live.get(id) === live) continue;
      this.#live.set(id, live);
      waits.push(resolved(change ?? { state: {}, buffers: [] }, live).then((c) => [id, c] as const));
    }
    const closed = [...this.#has.keys()].filter((id) => all[id]?.closed ?? true);
    for (const id of closed) this.#has.delete(id);
    if (waits.length === 0 && closed.length === 0) return;
    this.#queue = this.#queue.then(async () => {
      const models = Object.fromEntries(await Promise.all(waits));
      this.#send({ kind: 'models', root: this.#root, models, closed });
    }).catch((error: unknown) => console.error('widget', error));
  }

  fromView({ id, token, state, content, buffers }: FromWidgets): void {
    const widget = this.#has.get(id);
    if (!widget || !this.#live.get(id) || this.#underWay >= UNDER_WAY) return this.#sent(token);
    this.#underWay++;
    const what = { widget_id: named(id), origin: this.#origin, buffers: buffers.map((b) => ({ path: [...b.path], data: toBase64(b.data) })), ...(state ? { state: json(state) } : { content: anyJson(content) }) };
    this.#host.changeWidget(this.#cell, what, (taken) => {
      this.#underWay--;
      if (taken) this.#sent(token);
      else this.refuse(id, token);
    });
  }

  /** The view goes on, from the notebook's values. */
  refuse(id: string, token: number): void {
    this.#sent(token);
    this.#backTo(id);
  }

  #sent(token: number): void {
    this.#send({ kind: 'model_sent', token });
  }

  /** A change was refused: the view shows the notebook's values again. */
  #backTo(id: string): void {
    const all: Readonly<Record<string, Widget>> = this.#host.widgets.get();
    const widget = all[id];
    if (!widget || widget.closed) return;
    this.#queue = this.#queue.then(async () => {
      const change = await resolved({ state: widget.state, buffers: widget.buffers }, isLive(widget, this.#host.kernel.get()));
      this.#send({ kind: 'models', root: this.#root, models: { [id]: change }, closed: [] });
    }).catch((error: unknown) => console.error('widget', error));
  }

  #send(message: Words): void {
    this.#post(message);
  }
}

type Words = ToWidgets extends infer W ? (W extends ToWidgets ? Omit<W, 'runnel'> : never) : never;

const named = (id: string): WidgetId => widgetId(id, 'widget');
function json(state: Readonly<Record<string, unknown>>): JsonObject {
  return jsonObject(state, 'state');
}
function anyJson(content: unknown): Json {
  return jsonValue(content, 'content');
}
