import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { createPortal } from 'react-dom';

export interface MenuItem {
  readonly id: string;
  readonly label: ReactNode;
  readonly note?: ReactNode;
  /** All of it, when label and note are short. */
  readonly title?: string;
  readonly icon?: ReactNode;
  readonly disabled?: boolean;
  readonly danger?: boolean;
  readonly checked?: boolean;
  readonly run: () => void;
}
export type MenuEntry = MenuItem | 'line' | { readonly heading: ReactNode; readonly id: string };

interface Spot {
  readonly left: number;
  readonly top: number;
  readonly maxHeight: number;
}

function placeBeside(anchor: DOMRect, width: number, height: number): Spot {
  const edge = 8;
  const left = Math.max(edge, Math.min(anchor.right - width, innerWidth - width - edge));
  const below = innerHeight - anchor.bottom - edge - 4;
  if (height <= below || below > anchor.top) return { left: anchor.width > width ? anchor.left : left, top: anchor.bottom + 4, maxHeight: below };
  const top = Math.max(edge, anchor.top - 4 - height);
  return { left, top, maxHeight: anchor.top - edge - 4 };
}

/** A button that opens a list of actions. Arrow keys move, Escape closes and gives the focus back. */
export function MenuButton(props: {
  label: string;
  /** The content names the button; `label` is only the menu's. */
  named?: boolean;
  className?: string;
  children: ReactNode;
  entries: () => readonly MenuEntry[];
  header?: () => ReactNode;
  width?: number;
  onOpen?: () => void;
}) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = (refocus: boolean) => {
    setOpen(false);
    if (refocus) button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className={props.className ?? 'btn btn-icon'}
        aria-label={props.named ? undefined : props.label}
        title={props.named ? undefined : props.label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => {
          if (!open) props.onOpen?.();
          setOpen(!open);
        }}
        onKeyDown={(e) => {
          if (e.key === 'ArrowDown' && !open) {
            e.preventDefault();
            props.onOpen?.();
            setOpen(true);
          }
        }}
      >
        {props.children}
      </button>
      {open && button.current && (
        <Menu anchor={button.current} label={props.label} entries={props.entries()} header={props.header?.()} width={props.width ?? 220} close={close} />
      )}
    </>
  );
}

function Menu(props: { anchor: HTMLElement; label: string; entries: readonly MenuEntry[]; header: ReactNode; width: number; close: (refocus: boolean) => void }) {
  const { anchor, close } = props;
  const ref = useRef<HTMLDivElement>(null);
  const [spot, setSpot] = useState<Spot | null>(null);
  useLayoutEffect(() => {
    const el = ref.current;
    if (el) setSpot(placeBeside(anchor.getBoundingClientRect(), el.offsetWidth, el.offsetHeight));
  }, [anchor, props.entries.length]);
  const shown = spot !== null;
  // What is hidden takes no focus: not before the menu has its place.
  useLayoutEffect(() => {
    if (shown) ref.current?.querySelector<HTMLElement>('[role^=menuitem]:not([aria-disabled=true])')?.focus();
  }, [shown]);
  useEffect(() => {
    const outside = (e: PointerEvent) => {
      if (e.target instanceof Node && !ref.current?.contains(e.target) && !anchor.contains(e.target)) close(false);
    };
    document.addEventListener('pointerdown', outside, true);
    return () => document.removeEventListener('pointerdown', outside, true);
  }, [anchor, close]);
  const move = (by: number | 'first' | 'last') => {
    const items = [...(ref.current?.querySelectorAll<HTMLElement>('[role^=menuitem]:not([aria-disabled=true])') ?? [])];
    const at = items.findIndex((el) => el === document.activeElement);
    const next = by === 'first' ? 0 : by === 'last' ? items.length - 1 : (at + by + items.length) % items.length;
    items[next]?.focus();
  };
  const onKeyDown = (e: React.KeyboardEvent) => {
    const moves: Record<string, number | 'first' | 'last'> = { ArrowDown: 1, ArrowUp: -1, Home: 'first', End: 'last' };
    const by = moves[e.key];
    if (by !== undefined) move(by);
    else if (e.key === 'Escape') close(true);
    else if (e.key === 'Tab') return close(false);
    else if (e.key.length === 1 && e.key !== ' ') jumpTo(ref.current, e.key);
    else return e.stopPropagation();
    e.preventDefault();
    e.stopPropagation();
  };
  return createPortal(
    <div
      ref={ref}
      className="menu"
      role="menu"
      aria-label={props.label}
      style={{ width: props.width, left: spot?.left ?? 0, top: spot?.top ?? 0, maxHeight: spot?.maxHeight, visibility: spot ? 'visible' : 'hidden' }}
      onKeyDown={onKeyDown}
    >
      {props.header}
      {props.entries.map((entry, i) => (
        <MenuRow key={entry === 'line' ? `line-${i}` : entry.id} entry={entry} close={close} />
      ))}
    </div>,
    document.body,
  );
}

function jumpTo(menu: HTMLElement | null, letter: string): void {
  for (const el of menu?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? []) {
    if (el.textContent?.toLowerCase().startsWith(letter.toLowerCase())) return el.focus();
  }
}

function MenuRow({ entry, close }: { entry: MenuEntry; close: (refocus: boolean) => void }) {
  if (entry === 'line') return <div className="menu-line" role="separator" />;
  if ('heading' in entry) return <div className="menu-heading">{entry.heading}</div>;
  const checkable = entry.checked !== undefined;
  return (
    <button
      type="button"
      role={checkable ? 'menuitemradio' : 'menuitem'}
      aria-checked={checkable ? entry.checked : undefined}
      aria-disabled={entry.disabled || undefined}
      tabIndex={-1}
      title={entry.title}
      className={`menu-item${entry.danger ? ' danger' : ''}${entry.checked ? ' checked' : ''}`}
      onClick={() => {
        if (entry.disabled) return;
        close(true);
        entry.run();
      }}
    >
      {entry.icon}
      <span className="grow menu-label">{entry.label}</span>
      {entry.note !== undefined && <span className="menu-note">{entry.note}</span>}
    </button>
  );
}
