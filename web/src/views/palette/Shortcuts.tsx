import { Dialog } from '../../ui/Dialog';
import { keyText } from '../../ui/keys';
import type { Command } from '../commands/registry';

/** The sheet of all keys, made from the commands themselves. */
export function Shortcuts<C>({ commands, close }: { commands: readonly Command<C>[]; close: () => void }) {
  const withKeys = commands.filter((c) => c.keys.length > 0);
  const groups = [...new Set(withKeys.map((c) => c.group))];
  return (
    <Dialog label="Shortcuts" close={close} className="sheet">
      <p className="muted sheet-note">
        Enter goes into a cell, Esc back to command mode, where single letters are commands. In the editor Tab indents; Esc and then Tab leaves it.
      </p>
      <div className="sheet-columns">
        {groups.map((group) => (
          <section key={group} className="sheet-group">
            <h3>{group}</h3>
            <dl>
              {withKeys
                .filter((c) => c.group === group)
                .map((c) => (
                  <div key={c.id} className="sheet-row">
                    <dt>
                      {c.title}
                      {c.when === 'edit' && <span className="muted"> (in the editor)</span>}
                    </dt>
                    <dd>
                      {c.keys.map((k) => (
                        <span key={k} className="kbd">
                          {keyText(k)}
                        </span>
                      ))}
                    </dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
