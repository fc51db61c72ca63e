export { OutputArea, Rich } from './OutputArea';
export { MarkdownView } from './MarkdownView';
export { FrameView } from './FrameView';
export { coloured, TextView } from './TextView';
export { choose } from './registry';
export { fileUrl, Surroundings, type OutputSurroundings } from './context';
