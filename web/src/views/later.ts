/** The views that nobody needs at first, as one part of the page. */
export { FindBar } from './find/FindBar';
export { SearchPanel } from './find/SearchPanel';
export { PackagesPanel } from './packages/PackagesPanel';
