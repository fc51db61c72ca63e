import { createConnection } from './connection';
import './styles/index.css';
import { applyTheme } from './ui/theme';
import { readRoute } from './views/route';

// The line is opened, and the notebook asked for, while the rest of the page is still being fetched.
applyTheme(document.documentElement);
const connection = createConnection();
connection.connect();
const route = readRoute(location.search);
// It lingers until the view takes it.
if (route.kind === 'notebook') connection.close(connection.open(route.path));
void import('./app/start').then(({ start }) => start(connection));
