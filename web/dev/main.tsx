/** The page on a scripted server, for work on its looks: `npm run dev`, then /dev/index.html?notebook=analysis/churn.ipynb. Not shipped. */
import { createRoot } from 'react-dom/client';
import { App } from '../src/app/App';
import { browserClock, browserIds, SessionKeep } from '../src/connection/browser';
import { Page } from '../src/connection/page';
import { Uplink } from '../src/connection/uplink';
import { newClientId } from '../src/protocol/ids';
import '../src/styles/index.css';
import { applyTheme, theme } from '../src/ui/theme';
import { scriptedFiles } from './files';
import { ScriptedServer } from './server';

const query = new URLSearchParams(location.search);
const wanted = query.get('theme');
if (wanted === 'light' || wanted === 'dark') theme.set(wanted);
applyTheme(document.documentElement);

const server = new ScriptedServer(Number(query.get('cells') ?? 0));
const connection = new Page({
  clock: browserClock,
  keep: new SessionKeep(),
  ids: browserIds,
  pageId: 'dev',
  soon: (fn) => void requestAnimationFrame(fn),
  idle: (fn) => void setTimeout(() => fn(() => false)),
  carriers: [{ name: 'own', open: () => new Uplink({ clock: browserClock, clientId: newClientId(browserIds), openSocket: (events) => server.open(events), check: () => Promise.resolve('ok') }) }],
  recovered: Promise.resolve(),
  first: () => Promise.reject(new Error('the script has none')),
  onWake: () => () => undefined,
  onHide: () => () => undefined,
});
connection.connect();
Object.assign(window, { server, connection });
const root = document.getElementById('root');
if (root) createRoot(root).render(<App connection={connection} files={scriptedFiles()} />);
