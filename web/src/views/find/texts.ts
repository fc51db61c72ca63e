/** The texts of a cell: its source, and what a person can read of its outputs. */
import type { CellStore } from '../../notebook/store';
import type { OutputView } from '../../notebook/model';
import { choose } from '../../outputs';
import { textOf } from '../../outputs/registry';
import type { OutputId } from '../../protocol/types';
import type { Text } from './work';

export interface CellText extends Omit<Text, 'key'> {
  /** null: the source. */
  readonly output: OutputId | null;
}

/** `unread`: so many outputs are too large to be on the page. */
export function textsOf(cell: CellStore, outputs: boolean): { texts: readonly CellText[]; unread: number } {
  const texts: CellText[] = [{ output: null, kind: 'plain', parts: [sourceOf(cell)] }];
  let unread = 0;
  for (const output of outputs ? cell.outputs.get() : []) {
    const text = textOfOutput(cell, output);
    if (text === 'elsewhere') unread++;
    else if (text && text.parts.some((p) => p !== '')) texts.push({ output: output.id, ...text });
  }
  return { texts, unread };
}

/** Without making a document of each cell that is only read. */
export function sourceOf(cell: CellStore): string {
  return cell.opened?.text ?? cell.source.get();
}

function textOfOutput(cell: CellStore, output: OutputView): Pick<Text, 'kind' | 'parts'> | 'elsewhere' | null {
  switch (output.kind) {
    case 'stream': {
      const { head, tail } = cell.text(output.id).get();
      return { kind: 'terminal', parts: [head, tail] };
    }
    case 'error': {
      const trace = output.traceback.join('\n');
      const headline = `${output.ename}: ${output.evalue}`;
      return { kind: 'terminal', parts: trace.includes(output.ename) ? [trace] : [headline, '\n', trace] };
    }
    case 'input':
      return { kind: 'plain', parts: [output.prompt, output.password ? '' : output.value] };
    case 'display':
    case 'result': {
      const choice = choose(output.data, { charts: true });
      const value = choice && output.data[choice.mime];
      if (!choice || value === undefined) return null;
      const kind = kinds[choice.renderer];
      if (kind === undefined) return null;
      if (typeof value === 'object' && value !== null && 'runnel_blob' in value) return 'elsewhere';
      const pretty = choice.renderer === 'json' && typeof value === 'object';
      return { kind, parts: [pretty ? JSON.stringify(value, null, 2) : textOf(value)] };
    }
  }
}

/** What can be read as text; the rest are pictures and programs. */
const kinds: Readonly<Record<string, Text['kind'] | undefined>> = { html: 'html', markdown: 'plain', latex: 'plain', json: 'plain', text: 'terminal' };
