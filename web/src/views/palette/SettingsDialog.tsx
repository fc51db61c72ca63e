import { useId } from 'react';
import type { WritableSignal } from '../../ui/signals';
import { Dialog } from '../../ui/Dialog';
import { useSignal } from '../../ui/useSignal';
import { useServices } from '../context';

export function SettingsDialog({ close }: { close: () => void }) {
  const { settings, command } = useServices();
  return (
    <Dialog label="Settings" close={close} className="settings">
      <Choice title="Theme" value={settings.theme} options={[['system', 'As the system'], ['light', 'Light'], ['dark', 'Dark']]} />
      <Choice title="Width of the cells" value={settings.width} options={[['column', 'One column'], ['full', 'Full width']]} />
      <Choice title="Outputs" value={settings.outputs} options={[['below', 'Below the code'], ['beside', 'Beside it']]} />
      <Choice title="Line numbers" value={settings.lineNumbers} options={[['off', 'Off'], ['on', 'On']]} />
      <p className="settings-more">
        <button
          type="button"
          className="btn btn-line"
          onClick={() => {
            close();
            setTimeout(() => command('shortcuts'));
          }}
        >
          All keyboard shortcuts
        </button>
        <a className="btn btn-line" href="/licences.txt" target="_blank" rel="noreferrer">
          Licences
        </a>
      </p>
    </Dialog>
  );
}

function Choice<T extends string>(props: { title: string; value: WritableSignal<T>; options: readonly (readonly [T, string])[] }) {
  const now = useSignal(props.value);
  const id = useId();
  return (
    <fieldset className="choice">
      <legend>{props.title}</legend>
      <div className="choice-options">
        {props.options.map(([value, label]) => (
          <label key={value} className={`choice-option${now === value ? ' on' : ''}`}>
            <input type="radio" className="sr" name={id} checked={now === value} onChange={() => props.value.set(value)} />
            {label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
