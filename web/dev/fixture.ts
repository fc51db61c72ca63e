/** A notebook as in the design's picture, with one of each kind of output. */
import type { Cell, CellId, Output, OutputId, RequestId, Run, RunId, State } from '../src/protocol/types';

let n = 0;
const outputId = () => `o${++n}` as OutputId;
const now = Date.now();

const stream = (text: string, name: 'stdout' | 'stderr' = 'stdout'): Output => ({ id: outputId(), rev: 0, kind: 'stream', name, text: { head: text, tail: '', tail_at: text.length, total: text.length } });
const display = (data: Record<string, unknown>): Output => ({ id: outputId(), rev: 0, kind: 'display', data: data as never, metadata: {} });
const done = (ms: number, ago: number, status: Run['status'] = 'ok'): Run => ({ id: `r${++n}` as RunId, state: 'done', status, queued_at: now - ago, started_at: now - ago - ms, ended_at: now - ago });

function cell(id: string, over: Partial<Cell>): Cell {
  return { id: id as CellId, type: 'code', source: '', version: 0, metadata: {}, execution_count: null, outputs: [], run: null, ...over };
}

const table = `<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th><th>plan</th><th>len</th><th>spend</th></tr></thead><tbody><tr><th>0</th><td>free</td><td>812440</td><td>0.00</td></tr><tr><th>1</th><td>team</td><td>361902</td><td>38.12</td></tr><tr><th>2</th><td>business</td><td>94117</td><td>86.94</td></tr></tbody></table><p>3 rows × 3 columns</p>`;
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="90" viewBox="0 0 320 90"><rect width="320" height="90" fill="#fff"/><polyline fill="none" stroke="#0b7285" stroke-width="2" points="0,70 40,52 80,60 120,30 160,44 200,20 240,34 280,12 320,26"/></svg>';
const E = '\x1b';
const traceback = [
  `${E}[31m---------------------------------------------------------------------------${E}[39m`,
  `${E}[31mKeyError${E}[39m                                  Traceback (most recent call last)`,
  `${E}[36mCell${E}[39m${E}[36m ${E}[39m${E}[32mIn[7]${E}[39m${E}[32m, line 4${E}[39m\n${E}[32m      2${E}[39m \n${E}[32m      3${E}[39m events = pl.read_parquet(${E}[33m"${E}[39m${E}[33mevents.parquet${E}[39m${E}[33m"${E}[39m)\n${E}[32m----> ${E}[39m${E}[32m4${E}[39m share(rates)\n`,
  `${E}[36mFile ${E}[39m${E}[32m~/analysis/rates.py:12${E}[39m, in ${E}[36mshare${E}[39m${E}[34m(rates)${E}[39m\n${E}[32m     10${E}[39m ${E}[38;5;28;01mdef${E}[39;00m share(rates):\n${E}[32m     11${E}[39m     total = sum(rates.values())\n${E}[32m---> ${E}[39m${E}[32m12${E}[39m     ${E}[38;5;28;01mreturn${E}[39;00m rates[${E}[33m"${E}[39m${E}[33menterprise${E}[39m${E}[33m"${E}[39m] / total`,
  `${E}[31mKeyError${E}[39m: 'enterprise'`,
];

export function fixture(extra: number): State {
  const folds = Array.from({ length: 8 }, (_, i) => `fold ${i}  auc 0.87${(13 + i * 7) % 50}\n`).join('');
  const cells = [
    cell('intro', { type: 'markdown', source: '# Churn, week 47\n\nWhich customers left, and what they did in the fortnight before. Events come from [events.parquet](events.parquet); a customer counts as gone after 28 quiet days. The share is $p = \\frac{n_\\text{gone}}{n}$.' }),
    cell('load', { source: 'import polars as pl\n\nevents = pl.read_parquet("events.parquet")\nevents.group_by("plan").agg(pl.len(), pl.col("spend").mean())', execution_count: 7, run: done(180, 120_000), outputs: [{ id: outputId(), rev: 0, kind: 'result', data: { 'text/html': table, 'text/plain': 'table' }, metadata: {}, execution_count: 7 }] }),
    cell('train', { source: 'for fold in range(8):\n    auc = train(fold)          # one line per fold, as it happens\n    print(f"fold {fold}  auc {auc:.4f}")', execution_count: 8, run: done(41_600, 60_000), outputs: [stream(`${folds}100%|${'█'.repeat(40)}| 8/8 [00:41<00:00,  5.19s/it]\n`)] }),
    cell('ask', { source: 'week = int(input("Compare with week: "))', execution_count: 8, run: { id: 'rask' as RunId, state: 'running', queued_at: now - 9000, started_at: now - 8000 } }),
    cell('rates', { source: 'rates["enterprise"] / total', execution_count: 5, run: { id: 'rq' as RunId, state: 'queued', queued_at: now - 5000 }, outputs: [{ id: outputId(), rev: 0, kind: 'error', ename: 'KeyError', evalue: "'enterprise'", traceback }] }),
    cell('rich', { source: 'display(fig, data)\nprint("warning", file=sys.stderr)', execution_count: 6, run: done(320, 30_000, 'error'), outputs: [display({ 'image/svg+xml': svg }), display({ 'application/json': { a: [1, 2, { b: 'text' }], ok: true, none: null } }), display({ 'text/latex': '$$\\int_0^1 x^2\\,dx = \\tfrac13$$' }), stream(`${E}[1;31mred${E}[0m ${E}[38;5;208morange${E}[0m ${E}[7minverse${E}[0m ${E}[4munder${E}[0m\n`, 'stderr'), { id: outputId(), rev: 0, kind: 'error', ename: 'KeyError', evalue: "'enterprise'", traceback }] }),
    cell('end', { type: 'markdown', source: '## What it says\n\n1. Teams stay longer\n2. Free customers go\n\n| plan | share |\n|---|---|\n| free | 0.41 |\n| team | 0.08 |\n\n```python\nprint("code in text")\n```' }),
    cell('empty', {}),
    ...Array.from({ length: extra }, (_, i) => cell(`x${i}`, { source: `# cell ${i}\nvalues = [n ** 2 for n in range(${i})]\nfor value in values:\n    print(value, "of", len(values))\n`, execution_count: i + 20, run: done(40, 5000), outputs: [stream(`out ${i}\nline two\n`)] })),
  ];
  return {
    notebook: 'analysis/churn.ipynb',
    epoch: 'dev',
    n: 100,
    metadata: {},
    cells,
    kernel: { id: 'k1', name: 'venv', display_name: 'Python 3.12', language: 'python', environment: '.venv', state: 'busy', pid: 4242, started_at: now - 600_000, memory: 312 * 1024 * 1024 },
    queue: ['rates' as CellId],
    prompts: [{ request_id: 'q1' as RequestId, cell_id: 'ask' as CellId, prompt: 'Compare with week: ', password: false, opened_at: now - 8000, deadline: now + 100_000 }],
    save: { state: 'saved', since: now - 2000 },
    bin: [],
    widgets: {},
  };
}
