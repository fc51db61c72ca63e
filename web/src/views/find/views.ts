import './find.css';

export { FindBar } from './FindBar';
export { SearchPanel } from './SearchPanel';
