import { startWorker } from './connection/early';
import './styles/index.css';
import { applyTheme } from './ui/theme';

applyTheme(document.documentElement);
const root = document.getElementById('root');
if (root) {
  const worker = startWorker();
  void import('./app/start').then(({ start }) => start(root, worker));
}
