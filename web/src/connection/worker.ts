import { ownUplink, whenLockFree } from './browser';
import { Hub, isToHub, type Member } from './hub';

/** The shared worker: holds the one line of all pages of this browser. It lives as long as one of them does. */
const hub = new Hub(ownUplink());

self.addEventListener('connect', (event) => {
  const port = event instanceof MessageEvent ? event.ports[0] : undefined;
  if (!port) return;
  const member: Member = { post: (message) => port.postMessage(message) };
  port.onmessage = (e: MessageEvent<unknown>) => {
    if (!isToHub(e.data)) return;
    if (e.data.kind === 'lock') whenLockFree(e.data.name, () => hub.leave(member));
    hub.receive(member, e.data);
  };
});
