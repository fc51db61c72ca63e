import { createConnection } from './connection';
import './styles/index.css';
import { onceThere } from './ui/frame';
import { applyTheme } from './ui/theme';
import { readRoute } from './views/route';

applyTheme(document.documentElement);
const connection = createConnection();
const route = readRoute(location.search);
// The first cells are asked for while the rest of the page is still being fetched; the line is opened when they are drawn, or do not come:
// what it brings would be read while they are being made. The notebook lingers until the view takes it.
if (route.kind === 'notebook') {
  connection.close(connection.open(route.path));
  onceThere('[data-cell]', 500, () => connection.connect());
} else {
  connection.connect();
}
void import('./app/start').then(({ start }) => start(connection));
