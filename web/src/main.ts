import './styles/index.css';
import { start } from './app/start';
import { createConnection } from './connection';
import { begun } from './notebook/begun';
import { onceThere } from './ui/frame';
import { applyTheme } from './ui/theme';
import { readRoute } from './views/route';

applyTheme(document.documentElement);
// Asked for before any text wants them, not before the scripts: the first cells are then laid out once, and do not change their face.
for (const face of ['Inter Variable', 'JetBrains Mono Variable']) document.fonts.load(`1em "${face}"`).catch(() => {});
const connection = createConnection();
const route = readRoute(location.search);
// The line is opened when the first cells are drawn, or do not come: what it brings would be read while they are being made. The notebook
// lingers until the view takes it. The page waits a moment for the cells, which were asked for before the scripts: it is laid out once.
if (route.kind === 'notebook') {
  const store = connection.open(route.path);
  connection.close(store);
  onceThere('[data-cell]', 500, () => connection.connect());
  void begun(store, 100).then(() => start(connection));
} else {
  connection.connect();
  start(connection);
}
