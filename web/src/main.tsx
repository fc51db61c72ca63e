import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { createConnection } from './connection';
import './styles/index.css';
import { applyTheme } from './ui/theme';
import { createFilesApi } from './views/files/api';

applyTheme(document.documentElement);
const root = document.getElementById('root');
if (root) {
  const connection = createConnection();
  connection.connect();
  createRoot(root).render(<App connection={connection} files={createFilesApi()} />);
}
