/** The views that nobody needs at first, as one part of the page. */
export { TextFile } from './files/TextFile';
export { FindBar } from './find/FindBar';
export { SearchPanel } from './find/SearchPanel';
export { PackagesPanel } from './packages/PackagesPanel';
export { SettingsDialog } from './palette/SettingsDialog';
