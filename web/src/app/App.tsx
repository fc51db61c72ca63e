import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { PageConnection } from '../connection/model';
import { signal } from '../ui/signals';
import { toggleTheme } from '../ui/theme';
import { Toasts, ToastView } from '../ui/toasts';
import { useSignal } from '../ui/useSignal';
import { ServicesContext, type Services } from '../views/context';
import type { FilesApi } from '../views/files/api';
import { Home } from '../views/files/Home';
import { AppFrame } from '../views/frame/AppFrame';
import { togglePanel } from '../views/frame/panels';
import { useNotebookNews } from '../views/frame/useNotebookNews';
import { KernelDialog } from '../views/kernel/KernelDialog';
import { SettingsDialog, TextFile } from '../views/loadLater';
import { NotebookController } from '../views/notebook/controller';
import { Notebook } from '../views/notebook/Notebook';
import { Palette } from '../views/palette/Palette';
import { Shortcuts } from '../views/palette/Shortcuts';
import { readRoute, routeUrl, type Route } from '../views/route';
import { createSettings } from '../views/settings';
import { commands, type AppContext } from './commands';
import { useKeys } from './useKeys';

type Sheet = 'palette' | 'shortcuts' | 'settings' | 'restart' | 'restart and run all' | null;

/** Wires the connection and the folder to the views, and holds the address. */
export function App({ connection, files }: { connection: PageConnection; files: FilesApi }) {
  const [sheet, setSheet] = useState<Sheet>(null);
  const route = useMemo(() => signal<Route>(readRoute(location.search)), []);
  const settings = useMemo(createSettings, []);
  const toasts = useMemo(() => new Toasts(), []);
  const now = useSignal(route);
  const notebookPath = now.kind === 'notebook' ? now.path : null;
  const notebook = useNotebookOf(connection, notebookPath, (path) => {
    const next: Route = { kind: 'notebook', path };
    history.replaceState(null, '', routeUrl(next));
    route.set(next);
  });
  const view = useSerial(notebook);
  const services = useMemo<Services>(() => {
    const go = (next: Route) => {
      if (routeUrl(next) === routeUrl(route.get())) return;
      history.pushState(null, '', routeUrl(next));
      route.set(next);
    };
    const command = (id: string) => commands.find((c) => c.id === id)?.run(latest.context);
    return { connection, toasts, files, settings, route, go, command, now: () => Date.now() + connection.clockOffset.get() };
  }, [connection, files, route, settings, toasts]);
  const context = useMemo<AppContext>(() => ({ notebook, app: appActions(services, notebook, setSheet) }), [services, notebook]);
  const [latest] = useState(() => ({ context }));
  latest.context = context;
  useKeys(context);
  useEffect(() => {
    const back = () => route.set(readRoute(location.search));
    addEventListener('popstate', back);
    return () => removeEventListener('popstate', back);
  }, [route]);
  const path = now.kind === 'home' ? now.folder : now.path;
  return (
    <ServicesContext.Provider value={services}>
      <News notebook={notebook} path={path} />
      <AppFrame notebook={notebook} path={path}>
        {now.kind === 'home' && <Home folder={now.folder} />}
        {now.kind === 'file' && <TextFile path={now.path} />}
        {notebook && <Notebook key={view} notebook={notebook} />}
      </AppFrame>
      {sheet === 'palette' && <Palette commands={commands} context={context} close={() => setSheet(null)} run={(c) => c.run(context)} />}
      {sheet === 'shortcuts' && <Shortcuts commands={commands} close={() => setSheet(null)} />}
      {sheet === 'settings' && <SettingsDialog close={() => setSheet(null)} />}
      {(sheet === 'restart' || sheet === 'restart and run all') && notebook && (
        <KernelDialog title={sheet === 'restart' ? 'Restart the kernel?' : 'Restart the kernel and run all cells?'} action="Restart" close={() => setSheet(null)} act={() => restart(notebook, sheet !== 'restart')} />
      )}
      <ToastView toasts={toasts} />
    </ServicesContext.Provider>
  );
}

function News({ notebook, path }: { notebook: NotebookController | null; path: string }) {
  useNotebookNews(notebook, path);
  return null;
}

/** Another number for each value: a notebook that is renamed stays the one that is on the screen. */
function useSerial(value: unknown): number {
  const last = useRef({ value, n: 0 });
  if (last.current.value !== value) last.current = { value, n: last.current.n + 1 };
  return last.current.n;
}

/** The notebook at a path, open as long as it is shown. A rename keeps it open under its new name. */
function useNotebookOf(connection: PageConnection, path: string | null, renamed: (to: string) => void): NotebookController | null {
  const [held, setHeld] = useState<NotebookController | null>(null);
  // Before the page is drawn: the first cells may be here already.
  useLayoutEffect(() => {
    if (path === null || held?.store.path === path) return;
    const store = connection.open(path);
    setHeld(new NotebookController(store));
  }, [connection, path, held]);
  useEffect(() => {
    if (!held) return;
    return held.store.on('renamed', ({ to }) => renamed(to));
  }, [held]);
  useEffect(() => {
    if (!held) return;
    return () => {
      held.close();
      connection.close(held.store);
    };
  }, [connection, held]);
  return path !== null && held?.store.path === path ? held : null;
}

function appActions(services: Services, notebook: NotebookController | null, show: (sheet: Sheet) => void): AppContext['app'] {
  const { settings, connection } = services;
  const flip = <T extends string>(value: { get(): T; set(v: T): void }, on: T, off: T) => value.set(value.get() === on ? off : on);
  return {
    show,
    toggleTheme,
    togglePanel: (which) => togglePanel(which, settings, notebook),
    toggleVariables: () => flip(settings.side, 'variables', 'closed'),
    toggleWidth: () => flip(settings.width, 'full', 'column'),
    toggleOutputs: () => flip(settings.outputs, 'beside', 'below'),
    toggleLineNumbers: () => flip(settings.lineNumbers, 'on', 'off'),
    reconnect: () => connection.reconnect(),
    home: () => services.go({ kind: 'home', folder: '' }),
    stopKernel: () => notebook?.store.kernelStop(),
    restart: (then) => {
      if (!notebook) return;
      const { state } = notebook.store.kernel.get();
      if (state === 'none' || state === 'dead') restart(notebook, then === 'run all');
      else show(then === 'run all' ? 'restart and run all' : 'restart');
    },
  };
}

function restart(notebook: NotebookController, runAll: boolean): void {
  const { store } = notebook;
  const { state } = store.kernel.get();
  if (state === 'none' || state === 'dead') store.kernelStart();
  else store.kernelRestart();
  if (runAll) store.run();
}
