export { OutputArea } from './OutputArea';
export { RichView } from './RichView';
export { MarkdownView } from './MarkdownView';
export { FrameView } from './FrameView';
export { coloured, TextView } from './TextView';
export { choose } from './registry';
export { fileUrl, Surroundings, type OutputSurroundings } from './context';
