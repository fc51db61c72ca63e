/** The worker that finds (work.ts). */
import { worker, type Question } from './work';

const take = worker({
  tell: (answer) => postMessage(answer),
  breathe: () => new Promise((done) => setTimeout(done, 0)),
  now: () => performance.now(),
});
addEventListener('message', (e: MessageEvent<Question>) => void take(e.data));
postMessage('ready');
