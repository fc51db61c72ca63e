/** All commands: those of the notebook and those of the page around it. */
import type { Command } from '../views/commands/registry';
import type { Panel } from '../views/frame/panels';
import type { NotebookController } from '../views/notebook/controller';
import { notebookCommands } from '../views/notebook/commands';

export interface AppContext {
  readonly notebook: NotebookController | null;
  readonly app: {
    readonly show: (what: 'palette' | 'shortcuts' | 'settings') => void;
    readonly toggleTheme: () => void;
    readonly togglePanel: (which: Panel) => void;
    readonly toggleVariables: () => void;
    readonly toggleWidth: () => void;
    readonly toggleOutputs: () => void;
    readonly toggleLineNumbers: () => void;
    readonly reconnect: () => void;
    readonly restart: (then?: 'run all') => void;
    readonly stopKernel: () => void;
    readonly home: () => void;
  };
}

type C = Command<AppContext>;

const hasNotebook = (c: AppContext) => c.notebook !== null;

const own: readonly C[] = [
  { id: 'palette', title: 'Commands', group: 'View', keys: ['Accel+Shift+C', 'Accel+K'], when: 'always', run: (c) => c.app.show('palette'), also: 'palette' },
  { id: 'shortcuts', title: 'Keyboard shortcuts', group: 'View', keys: ['H'], when: 'command', run: (c) => c.app.show('shortcuts'), also: 'help keys' },
  { id: 'settings', title: 'Settings', group: 'View', keys: ['Accel+,'], when: 'always', run: (c) => c.app.show('settings'), also: 'preferences' },
  { id: 'theme', title: 'Light or dark', group: 'View', keys: [], when: 'palette', run: (c) => c.app.toggleTheme(), also: 'theme' },
  { id: 'files', title: 'Show or hide the files', group: 'View', keys: ['Accel+B'], when: 'always', run: (c) => c.app.togglePanel('files'), also: 'sidebar' },
  { id: 'outline', title: 'Show or hide the outline', group: 'View', keys: [], when: 'palette', run: (c) => c.app.togglePanel('outline'), also: 'headings table of contents' },
  { id: 'packages', title: 'Show or hide the packages', group: 'View', keys: [], when: 'palette', run: (c) => c.app.togglePanel('packages'), enabled: hasNotebook, also: 'install pip environment' },
  { id: 'variables', title: 'Show or hide the variables', group: 'View', keys: [], when: 'palette', run: (c) => c.app.toggleVariables(), enabled: hasNotebook },
  { id: 'width', title: 'Column or full width', group: 'View', keys: [], when: 'palette', run: (c) => c.app.toggleWidth() },
  { id: 'beside', title: 'Outputs below or beside the code', group: 'View', keys: ['Shift+R'], when: 'command', run: (c) => c.app.toggleOutputs(), also: 'side by side' },
  { id: 'all-line-numbers', title: 'Line numbers everywhere', group: 'View', keys: ['Shift+L'], when: 'command', run: (c) => c.app.toggleLineNumbers() },
  { id: 'restart', title: 'Restart the kernel', group: 'Kernel', keys: ['0 0'], when: 'command', run: (c) => c.app.restart(), enabled: hasNotebook },
  { id: 'restart-run-all', title: 'Restart the kernel and run all', group: 'Kernel', keys: [], when: 'palette', run: (c) => c.app.restart('run all'), enabled: hasNotebook },
  { id: 'stop-kernel', title: 'Stop the kernel', group: 'Kernel', keys: [], when: 'palette', run: (c) => c.app.stopKernel(), enabled: hasNotebook, also: 'shut down' },
  { id: 'reconnect', title: 'Reconnect', group: 'Kernel', keys: [], when: 'palette', run: (c) => c.app.reconnect(), also: 'line' },
  { id: 'home', title: 'All files', group: 'File', keys: [], when: 'palette', run: (c) => c.app.home() },
];

export const commands: readonly C[] = [...notebookCommands, ...own];
