import { Folder, ListTree, Search, Settings as SettingsIcon, Variable } from 'lucide-react';
import { useSignal } from '../../ui/useSignal';
import { useServices } from '../context';
import type { NotebookController } from '../notebook/controller';
import { useSearching } from './useSearching';

/** The narrow rail: which panel is open. */
export function Rail({ notebook }: { notebook: NotebookController | null }) {
  const { settings, command } = useServices();
  const rail = useSignal(settings.rail);
  const searching = useSearching(notebook);
  const open = searching ? 'search' : rail;
  const hasNotebook = notebook !== null;
  const side = useSignal(settings.side);
  const toggle = (which: 'files' | 'outline') => {
    notebook?.find.leavePanel();
    settings.rail.set(open === which ? 'closed' : which);
  };
  return (
    <nav className="rail" aria-label="Panels">
      <RailButton label="Files" on={open === 'files'} click={() => toggle('files')} icon={<Folder size={18} />} />
      {hasNotebook && <RailButton label="Outline" on={open === 'outline'} click={() => toggle('outline')} icon={<ListTree size={18} />} />}
      {notebook && <RailButton label="Search" on={searching} click={() => (searching ? notebook.find.close() : notebook.lookFor('find', 'panel'))} icon={<Search size={18} />} />}
      {hasNotebook && <RailButton label="Variables" on={side === 'variables'} click={() => settings.side.set(side === 'variables' ? 'closed' : 'variables')} icon={<Variable size={18} />} />}
      <span className="grow" />
      <RailButton label="Settings" click={() => command('settings')} icon={<SettingsIcon size={18} />} />
    </nav>
  );
}

function RailButton(props: { label: string; on?: boolean; click: () => void; icon: React.ReactNode }) {
  return (
    <button type="button" className="rail-button" aria-label={props.label} title={props.label} aria-pressed={props.on} onClick={props.click}>
      {props.icon}
    </button>
  );
}
