import { Folder, ListTree, Package, Search, Settings as SettingsIcon, Variable } from 'lucide-react';
import { useSignal } from '../../ui/useSignal';
import { useServices } from '../context';
import type { NotebookController } from '../notebook/controller';
import { togglePanel, usePanel, type Panel } from './panels';

/** The narrow rail: which panel is open. */
export function Rail({ notebook }: { notebook: NotebookController | null }) {
  const { settings, command } = useServices();
  const open = usePanel(settings, notebook);
  const side = useSignal(settings.side);
  const button = (which: Panel, label: string, icon: React.ReactNode) => <RailButton label={label} on={open === which} click={() => togglePanel(which, settings, notebook)} icon={icon} />;
  return (
    <nav className="rail" aria-label="Panels">
      {button('files', 'Files', <Folder size={18} />)}
      {notebook && button('outline', 'Outline', <ListTree size={18} />)}
      {notebook && button('search', 'Search', <Search size={18} />)}
      {notebook && button('packages', 'Packages', <Package size={18} />)}
      {notebook && <RailButton label="Variables" on={side === 'variables'} click={() => settings.side.set(side === 'variables' ? 'closed' : 'variables')} icon={<Variable size={18} />} />}
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
