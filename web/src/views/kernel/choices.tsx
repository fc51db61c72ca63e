/** What a notebook can run on, as entries of the kernel's menu. */
import type { Kernel } from '../../protocol/types';
import type { MenuEntry } from '../../ui/Menu';
import type { Toasts } from '../../ui/toasts';
import type { KernelChoice } from '../files/api';
import { shortly } from './names';

export type Choice = Pick<KernelChoice, 'name' | 'displayName'>;

/** Those that can run, and those that lack something: choosing one of these says what. */
export function choiceEntries(choices: readonly KernelChoice[], kernel: Kernel, switchTo: (choice: Choice) => void, toasts: Toasts): MenuEntry[] {
  if (choices.length === 0) return [];
  const ready = choices.filter((c) => c.hasKernel);
  const lacking = choices.filter((c) => !c.hasKernel);
  return [
    'line',
    { heading: 'Run on', id: 'choices' },
    ...ready.map((c): MenuEntry => {
      const { name, place } = shortly(c.displayName, c.environment);
      return { id: `kernel ${c.name}`, label: name, note: place, title: `${c.displayName}: ${c.environment}`, checked: c.name === kernel.name, run: () => (c.name === kernel.name && kernel.state !== 'none' && kernel.state !== 'dead' ? undefined : switchTo(c)) };
    }),
    ...(lacking.length > 0 ? [{ heading: 'Cannot run notebooks yet', id: 'lacking' }] : []),
    ...lacking.map((c): MenuEntry => {
      const { name, place } = shortly(c.displayName, c.environment);
      const copy = { label: 'Copy', run: () => void navigator.clipboard?.writeText(c.fix) };
      return { id: `kernel ${c.name}`, label: <span className="muted">{name}</span>, note: place, title: c.fix, run: () => void toasts.show(`${c.displayName} needs: ${c.fix}`, { action: copy }) };
    }),
  ];
}
