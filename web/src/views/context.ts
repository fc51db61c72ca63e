import { createContext, useContext } from 'react';
import type { PageConnection } from '../connection/model';
import type { Toasts } from '../ui/toasts';
import type { Signal } from '../notebook/signal';
import type { FilesApi } from './files/api';
import type { Route } from './route';
import type { Settings } from './settings';

/** What the app hands down to every view. */
export interface Services {
  readonly connection: PageConnection;
  readonly toasts: Toasts;
  readonly files: FilesApi;
  readonly settings: Settings;
  readonly route: Signal<Route>;
  readonly go: (route: Route) => void;
  /** Runs a command by its id. */
  readonly command: (id: string) => void;
  /** Server time now, in ms. */
  readonly now: () => number;
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error('a view was rendered outside of the app');
  return services;
}
