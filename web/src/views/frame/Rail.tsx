import { Folder, ListTree, Settings as SettingsIcon, Variable } from 'lucide-react';
import { useSignal } from '../../ui/useSignal';
import { useServices } from '../context';

/** The narrow rail: which panel is open. */
export function Rail({ hasNotebook }: { hasNotebook: boolean }) {
  const { settings, command } = useServices();
  const open = useSignal(settings.rail);
  const side = useSignal(settings.side);
  const toggle = (which: 'files' | 'outline') => settings.rail.set(open === which ? 'closed' : which);
  return (
    <nav className="rail" aria-label="Panels">
      <RailButton label="Files" on={open === 'files'} click={() => toggle('files')} icon={<Folder size={18} />} />
      {hasNotebook && <RailButton label="Outline" on={open === 'outline'} click={() => toggle('outline')} icon={<ListTree size={18} />} />}
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
