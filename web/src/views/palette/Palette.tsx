import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { Dialog } from '../../ui/Dialog';
import { keyText } from '../../ui/keys';
import { forBrowsing, search, type Command } from '../commands/registry';

/** The ids of the commands that were chosen here, the newest first. */
let used: readonly string[] = [];

/** Every command by its name. Those chosen last come first. */
export function Palette<C>(props: { commands: readonly Command<C>[]; context: C; close: () => void; run: (command: Command<C>) => void }) {
  const { commands, context, close } = props;
  const [query, setQuery] = useState('');
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  const found = useMemo(() => search(forBrowsing(commands.filter((c) => c.enabled?.(context) !== false), used), query), [commands, context, query]);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: 'nearest' });
  }, [at]);
  const choose = (command: Command<C> | undefined) => {
    if (!command) return;
    close();
    used = [command.id, ...used.filter((id) => id !== command.id)].slice(0, 5);
    // After the dialog has given the focus back.
    setTimeout(() => props.run(command));
  };
  const onKeyDown = (e: React.KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const by = moves[e.key];
    if (by !== undefined) setAt(Math.max(0, Math.min(found.length - 1, at + by)));
    else if (e.key === 'Enter') choose(found[at]);
    else return;
    e.preventDefault();
  };
  return (
    <Dialog label="Commands" close={close} className="palette" bare>
      <input
        className="palette-input"
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found[at] ? `${id}-${at}` : undefined}
        aria-label="Find a command"
        placeholder="Find a command"
        autoFocus
        value={query}
        onChange={(e) => {
          setQuery(e.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul ref={list} id={`${id}-list`} role="listbox" aria-label="Commands" className="palette-list">
        {found.map((command, i) => (
          <li key={command.id} id={`${id}-${i}`} role="option" aria-selected={i === at} className="palette-item" onPointerMove={() => setAt(i)} onClick={() => choose(command)}>
            <span className="grow">{command.title}</span>
            <span className="palette-group">{command.group}</span>
            {command.keys[0] !== undefined && <span className="kbd">{keyText(command.keys[0])}</span>}
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="palette-none muted">No command has these words.</p>}
    </Dialog>
  );
}
