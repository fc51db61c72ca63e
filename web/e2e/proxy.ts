/** A line between the browser and the server that counts WebSockets, can be cut without a word, and can take the Upgrade header out. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class Proxy {
  /** How many WebSockets were opened, and which are. */
  opened = 0;
  readonly open = new Set<Socket>();
  /** As some proxies do. */
  stripUpgrade = false;
  /** The network is gone: nobody gets through. */
  down = false;
  readonly #all = new Map<Socket, Socket>();
  readonly #listener: Server;
  readonly #port: number;

  private constructor(port: number) {
    this.#port = port;
    this.#listener = createServer((client) => this.#carry(client));
  }

  static async before(origin: string): Promise<Proxy> {
    const proxy = new Proxy(Number(new URL(origin).port));
    await new Promise<void>((done) => proxy.#listener.listen(0, '127.0.0.1', done));
    return proxy;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const client of this.#all.keys()) client.destroy();
  }

  /** WebSockets that stand carry nothing any more, and neither side is told. Which of the two has closed each since? */
  lose(): { page: boolean; server: boolean }[] {
    return [...this.open].map((client) => {
      const upstream = this.#all.get(client);
      const closed = { page: false, server: false };
      for (const [side, name] of [[client, 'page'], [upstream, 'server']] as const) {
        side?.unpipe().removeAllListeners().on('error', () => undefined).on('close', () => (closed[name] = true)).resume();
        side?.on('end', () => side.destroy());
      }
      this.open.delete(client);
      return closed;
    });
  }

  close(): void {
    this.cut();
    this.#listener.close();
  }

  #carry(client: Socket): void {
    if (this.down) return void client.destroy();
    const upstream = connect(this.#port, '127.0.0.1');
    this.#all.set(client, upstream);
    const end = () => {
      client.destroy();
      upstream.destroy();
      this.#all.delete(client);
      this.open.delete(client);
    };
    for (const side of [client, upstream]) side.on('error', end).on('close', end);
    upstream.pipe(client);
    let first = true;
    client.on('data', (chunk) => {
      upstream.write(first ? this.#head(client, chunk) : chunk);
      first = false;
    });
  }

  /** A WebSocket is always asked for first on a connection of its own. */
  #head(client: Socket, chunk: Buffer): Buffer {
    const text = chunk.toString('latin1');
    if (!text.startsWith('GET /ws')) return chunk;
    this.opened++;
    this.open.add(client);
    return this.stripUpgrade ? Buffer.from(text.replace(/^(Upgrade|Connection): .*\r\n/gim, ''), 'latin1') : chunk;
  }
}
