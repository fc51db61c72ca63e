import { describe, expect, it } from 'vitest';
import type { Looked } from './matches';
import { worker, type Answer, type Question, type Text } from './work';

const query: Looked = { text: 'a+', cased: true, whole: false, regexp: true };
const text = (key: string, ...parts: string[]): Text => ({ key, kind: 'plain', parts });
const question = (n: number, more: Partial<Question>): Question => ({ n, lane: 'find', query, texts: [], ...more });

/** A worker whose clock goes on with each look at it; each breath waits until it is let. */
function begin({ step = 0 } = {}) {
  const answers: Answer[] = [];
  const breaths: (() => void)[] = [];
  let at = 0;
  const take = worker({ tell: (a) => answers.push(a), breathe: () => new Promise((done) => breaths.push(done)), now: () => (at += step) });
  return { take, answers, breaths };
}
const found = (answers: readonly Answer[]) => answers.flatMap((a) => a.results.map((r) => [r.key, r.hits.map((h) => h.from)]));

describe('the worker', () => {
  it('looks through a text as it is seen', async () => {
    const { take, answers } = begin();
    await take(question(1, { texts: [text('x', 'b', 'aab', 'a'), { key: 'y', kind: 'terminal', parts: ['\x1b[31ma\x1b[0ma'] }, { key: 'z', kind: 'html', parts: ['<a>b</a>a'] }] }));
    expect(found(answers)).toEqual([['x', [1, 4]], ['y', [0]], ['z', [1]]]);
    expect(answers.at(-1)).toMatchObject({ n: 1, done: true });
  });
  it('tells what it has after a while, and goes on', async () => {
    const { take, answers, breaths } = begin({ step: 20 });
    const all = take(question(1, { texts: [text('x', 'a'), text('y', 'a')] }));
    expect(found(answers)).toEqual([['x', [0]]]);
    breaths.shift()?.();
    await Promise.resolve();
    breaths.shift()?.();
    await all;
    expect(found(answers)).toEqual([['x', [0]], ['y', [0]]]);
    expect(answers.map((a) => a.done)).toEqual([false, false, true]);
  });
  it('leaves a question when there is a newer one in its lane', async () => {
    const { take, answers, breaths } = begin({ step: 20 });
    const old = take(question(1, { texts: [text('x', 'a'), text('y', 'a')] }));
    const other = take(question(2, { lane: 'mark', texts: [] }));
    const newer = take(question(3, { texts: [] }));
    for (const go of breaths.splice(0)) go();
    await Promise.all([old, other, newer]);
    expect(answers.map((a) => [a.n, a.done])).toEqual([[1, false], [2, true], [3, true]]);
  });
  it('replaces, and says how much', async () => {
    const { take, answers } = begin();
    await take(question(1, { texts: [text('x', 'aa b a')], by: { text: '<$&>' } }));
    await take(question(2, { texts: [text('x', 'aa b a')], by: { text: '<$&>', only: 5 } }));
    expect(answers.flatMap((a) => a.results.map((r) => r.after))).toEqual([{ text: '<aa> b <a>', count: 2 }, { text: 'aa b <a>', count: 1 }]);
  });
});
