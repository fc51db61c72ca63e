import { useEffect } from 'react';
import { KeyReader, type Place } from '../views/commands/registry';
import { commands, type AppContext } from './commands';

/** Where the keyboard is. In a field, a menu or a dialog only the page's own keys count. */
export function placeOf(target: EventTarget | null, hasNotebook: boolean): Place {
  if (!hasNotebook || !(target instanceof Element)) return 'page';
  if (target.closest('.cm-editor, .code-early')) return 'edit';
  if (target.closest('input, textarea, select, [contenteditable], [role=menu], dialog, .panel, .pager, .find, .login')) return 'page';
  return target === document.body || target.closest('.main, .top, .rail, .foot, .side, .toasts') ? 'command' : 'page';
}

/** A button or link with the focus keeps Enter and Space. */
function ownsKey(e: KeyboardEvent): boolean {
  return (e.key === 'Enter' || e.key === ' ') && !e.shiftKey && !e.ctrlKey && !e.metaKey && !e.altKey && e.target instanceof Element && e.target.closest('button, a, summary, [role=region]') !== null;
}

/** Keys to commands, for the whole page. Most are taken before the editor sees them; Escape only when it has no use for it. */
export function useKeys(context: AppContext): void {
  useEffect(() => {
    const reader = new KeyReader(commands);
    let waiting: { id: string; at: number } | null = null;
    const press = (e: KeyboardEvent, late: boolean) => {
      if (e.isComposing || ['Shift', 'Control', 'Alt', 'Meta'].includes(e.key)) return;
      const place = placeOf(e.target, context.notebook !== null);
      if (place === 'command' && ownsKey(e)) return;
      if (late) {
        const left = waiting;
        waiting = null;
        const command = left && left.at === e.timeStamp && !e.defaultPrevented ? commands.find((c) => c.id === left.id) : undefined;
        if (command) take(e, () => command.run(context));
        return;
      }
      const found = reader.press(e, place, e.timeStamp);
      if (!found) return;
      if (found === 'waiting') return e.preventDefault();
      // What cannot be done here is left to the browser: it finds in pages that are no notebook.
      if (found.command.enabled?.(context) === false) return;
      if (found.command.afterEditor && e.key === 'Escape') waiting = { id: found.command.id, at: e.timeStamp };
      else take(e, () => found.command.run(context));
    };
    const early = (e: KeyboardEvent) => press(e, false);
    const late = (e: KeyboardEvent) => press(e, true);
    addEventListener('keydown', early, true);
    addEventListener('keydown', late);
    return () => {
      removeEventListener('keydown', early, true);
      removeEventListener('keydown', late);
    };
  }, [context]);
}

function take(e: KeyboardEvent, run: () => void): void {
  e.preventDefault();
  e.stopPropagation();
  run();
}
