import { createContext, useContext } from 'react';
import type { NotebookController } from './controller';

export const NotebookContext = createContext<NotebookController | null>(null);

export function useNotebook(): NotebookController {
  const notebook = useContext(NotebookContext);
  if (!notebook) throw new Error('a cell was rendered outside of a notebook');
  return notebook;
}
