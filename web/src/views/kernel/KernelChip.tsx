import { ChevronDown } from 'lucide-react';
import { useRef, useState } from 'react';
import type { NotebookStore } from '../../notebook/store';
import type { Kernel, KernelState } from '../../protocol/types';
import { Dot, type DotKind } from '../../ui/Dot';
import { MenuButton, type MenuEntry } from '../../ui/Menu';
import type { Toasts } from '../../ui/toasts';
import { useSignal } from '../../ui/useSignal';
import { bytes, folderOf } from '../../ui/words';
import { useServices } from '../context';
import type { KernelChoice } from '../files/api';

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

/** A kernel's name and where it is, short enough for the top bar; the menu says the whole. "Python 3.12 (.venv)" has both in its name. */
export function shortly(name: string, environment: string): { name: string; place: string } {
  const both = /^(.+?) \(([^()]+)\)$/.exec(name);
  if (both) return { name: both[1] ?? name, place: both[2] ?? '' };
  const path = /(?:^|\s)\S*[/\\]([^/\\\s]+)$/.exec(environment);
  const words = /^(?:virtual|conda) environment (\S+)$/.exec(environment);
  return { name, place: path?.[1] ?? words?.[1] ?? '' };
}

/** What the notebook runs on and how that is, with its menu. */
export function KernelChip({ store }: { store: NotebookStore }) {
  const { command, files, toasts } = useServices();
  const kernel = useSignal(store.kernel);
  const [choices, setChoices] = useState<readonly KernelChoice[] | null>(null);
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
  return (
    <MenuButton
      label="Kernel"
      named
      className={`chip kernel-chip${kernel.state === 'dead' ? ' chip-err' : ''}`}
      width={320}
      onOpen={load}
      header={() => <KernelDetails kernel={kernel} />}
      entries={() => [...actions(kernel, store.prompts.get().length > 0, command), ...choiceEntries(choices, kernel, store, toasts)]}
    >
      <Dot kind={DOTS[kernel.state]} />
      <span className="sr">Kernel, {state}: </span>
      <span className="kernel-name">{name}</span>{' '}
      <span className="kernel-detail muted">{quiet ? detail : (kernel.progress ?? state)}</span>
      <ChevronDown size={14} />
    </MenuButton>
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

function actions(kernel: Kernel, asked: boolean, command: (id: string) => void): MenuEntry[] {
  const alive = !['none', 'dead', 'stopping'].includes(kernel.state);
  if (!alive) return [{ id: 'start', label: kernel.state === 'dead' ? 'Start a new kernel' : 'Start the kernel', run: () => command('restart') }];
  return [
    { id: 'interrupt', label: 'Interrupt', note: 'I, I', disabled: kernel.state !== 'busy' && !asked, run: () => command('interrupt') },
    { id: 'restart', label: 'Restart', note: '0, 0', run: () => command('restart') },
    { id: 'restart-run-all', label: 'Restart and run all', run: () => command('restart-run-all') },
    { id: 'stop', label: 'Stop', danger: true, run: () => command('stop-kernel') },
  ];
}

/** Those that can run, and those that lack something: choosing one of these says what. */
function choiceEntries(choices: readonly KernelChoice[] | null, kernel: Kernel, store: NotebookStore, toasts: Toasts): MenuEntry[] {
  if (choices === null || choices.length === 0) return [];
  const ready = choices.filter((c) => c.hasKernel);
  const lacking = choices.filter((c) => !c.hasKernel);
  return [
    'line',
    { heading: 'Run on', id: 'choices' },
    ...ready.map((c): MenuEntry => {
      const { name, place } = shortly(c.displayName, c.environment);
      const run = () => (kernel.state === 'none' || kernel.state === 'dead' ? store.kernelStart(c.name) : store.kernelRestart({ name: c.name }));
      return { id: `kernel ${c.name}`, label: name, note: place, title: `${c.displayName}: ${c.environment}`, checked: c.name === kernel.name, run };
    }),
    ...(lacking.length > 0 ? [{ heading: 'Cannot run notebooks yet', id: 'lacking' }] : []),
    ...lacking.map((c): MenuEntry => {
      const { name, place } = shortly(c.displayName, c.environment);
      const copy = { label: 'Copy', run: () => void navigator.clipboard?.writeText(c.fix) };
      return { id: `kernel ${c.name}`, label: <span className="muted">{name}</span>, note: place, title: c.fix, run: () => void toasts.show(`${c.displayName} needs: ${c.fix}`, { action: copy }) };
    }),
  ];
}
