import { ChevronDown } from 'lucide-react';
import { useRef, useState } from 'react';
import type { NotebookStore } from '../../notebook/store';
import type { Kernel, KernelState } from '../../protocol/types';
import { Dot, type DotKind } from '../../ui/Dot';
import { MenuButton, type MenuEntry } from '../../ui/Menu';
import { useSignal } from '../../ui/useSignal';
import { bytes, folderOf } from '../../ui/words';
import { useServices } from '../context';
import type { KernelChoice } from '../files/api';
import { choiceEntries, type Choice } from './choices';
import { KernelDialog } from './KernelDialog';
import { shortly } from './names';

const WORDS: Record<KernelState, string> = {
  none: 'not started',
  starting: 'starting',
  idle: 'idle',
  busy: 'busy',
  unresponsive: 'does not answer',
  restarting: 'restarting',
  stopping: 'stopping',
  dead: 'died',
};

const DOTS: Record<KernelState, DotKind> = {
  none: 'none',
  starting: 'busy',
  idle: 'ok',
  busy: 'busy',
  unresponsive: 'warn',
  restarting: 'busy',
  stopping: 'busy',
  dead: 'err',
};

const MB = 1024 * 1024;

/** What the notebook runs on and how that is, with its menu. */
export function KernelChip({ store }: { store: NotebookStore }) {
  const { command, files, toasts } = useServices();
  const kernel = useSignal(store.kernel);
  const [choices, setChoices] = useState<readonly KernelChoice[] | null>(null);
  const [asking, setAsking] = useState<Choice | null>(null);
  const asked = useRef(false);
  const { name, place } = shortly(kernel.display_name || kernel.name || 'No kernel', kernel.environment ?? '');
  const state = stateWords(kernel);
  const quiet = kernel.state === 'idle' || kernel.state === 'busy';
  const detail = [place, kernel.memory ? bytes(Math.round(kernel.memory / MB) * MB) : ''].filter(Boolean).join(' · ');
  const load = () => {
    if (asked.current) return;
    asked.current = true;
    files.kernels(folderOf(store.path)).then(setChoices, (e: unknown) => {
      asked.current = false;
      toasts.show(e instanceof Error ? e.message : 'The kernels could not be listed.', { level: 'error' });
    });
  };
  /** Asks before something is lost; where nothing is, there is a way back. */
  const switchTo = (choice: Choice) => {
    const before = store.kernel.get();
    if (before.state === 'none' || before.state === 'dead') return store.kernelStart(choice.name);
    if (!before.fresh) return setAsking(choice);
    store.kernelRestart({ name: choice.name });
    toasts.show(`This notebook runs on ${choice.displayName} now.`, { action: { label: 'Undo', run: () => switchTo({ name: before.name, displayName: before.display_name }) } });
  };
  return (
    <>
      <MenuButton
        label="Kernel"
        named
        className={`chip kernel-chip${kernel.state === 'dead' ? ' chip-err' : ''}`}
        width={320}
        onOpen={load}
        header={() => <KernelDetails kernel={kernel} />}
        entries={() => [...actions(kernel, store.prompts.get().length > 0 || store.queue.get().length > 0, command), ...choiceEntries(choices ?? [], kernel, switchTo, toasts)]}
      >
        <Dot kind={DOTS[kernel.state]} />
        <span className="sr">Kernel, {state}: </span>
        <span className="kernel-name">{name}</span>{' '}
        <span className="kernel-detail muted">{quiet ? detail : (kernel.progress ?? state)}</span>
        <ChevronDown size={14} />
      </MenuButton>
      {asking && <KernelDialog title={`Switch to ${asking.displayName}?`} action="Switch" close={() => setAsking(null)} act={() => store.kernelRestart({ name: asking.name })} />}
    </>
  );
}

/** One that nobody saw end, because it never began or the server was away, is not said to have died. */
function stateWords({ state, death }: Kernel): string {
  return state === 'dead' && death?.exit_code === -1 && !death.signal ? 'not running' : WORDS[state];
}

/** As a press of the chip. */
export function openKernelMenu(): void {
  document.querySelector<HTMLElement>('.kernel-chip')?.click();
}

function KernelDetails({ kernel }: { kernel: Kernel }) {
  const { death } = kernel;
  return (
    <div className="kernel-card">
      <b>{kernel.display_name || 'No kernel'}</b>
      <div className="muted">{[stateWords(kernel), kernel.environment, kernel.pid ? `process ${kernel.pid}` : '', kernel.memory ? bytes(kernel.memory) : ''].filter(Boolean).join(' · ')}</div>
      {kernel.progress && <div className="muted">{kernel.progress}</div>}
      {kernel.state === 'unresponsive' && <div>It is alive but has not answered for a while. Nothing is stopped on its own.</div>}
      {kernel.state === 'dead' && death && (
        <div className="death">
          <p>{death.text}</p>
          <p className="muted">
            {[death.signal ? `signal ${death.signal}` : death.exit_code === -1 ? '' : `exit code ${death.exit_code}`, death.oom ? 'out of memory' : '', death.peak_memory ? `at most ${bytes(death.peak_memory)} of memory` : ''].filter(Boolean).join(' · ')}
          </p>
          {death.stderr && (
            <pre className="death-stderr mono" tabIndex={0}>
              {death.stderr}
            </pre>
          )}
        </div>
      )}
    </div>
  );
}

function actions(kernel: Kernel, waits: boolean, command: (id: string) => void): MenuEntry[] {
  const alive = !['none', 'dead', 'stopping'].includes(kernel.state);
  if (!alive) return [{ id: 'start', label: kernel.state === 'dead' ? 'Start a new kernel' : 'Start the kernel', run: () => command('restart') }];
  return [
    { id: 'interrupt', label: 'Interrupt', note: 'I, I', disabled: kernel.state !== 'busy' && !waits, run: () => command('interrupt') },
    { id: 'restart', label: 'Restart', note: '0, 0', run: () => command('restart') },
    { id: 'restart-run-all', label: 'Restart and run all', run: () => command('restart-run-all') },
    { id: 'stop', label: 'Stop', danger: true, run: () => command('stop-kernel') },
  ];
}
