/** Mathematics, a chunk of its own: fetched with the first formula. */
import katex from 'katex';
import 'katex/dist/katex.min.css';

const MACROS = { '\\R': '\\mathbb{R}', '\\N': '\\mathbb{N}', '\\Z': '\\mathbb{Z}' };

/** A formula as HTML. Commands KaTeX does not know are shown as they are, in the error colour. */
export function formula(source: string, display: boolean): string {
  const tex = source.replace(/\\label\{[^}]*\}/g, '').replace(/\{(eqnarray|multline)(\*?)\}/g, '{align*}');
  return katex.renderToString(tex, { displayMode: display, throwOnError: false, strict: 'ignore', trust: false, maxExpand: 1000, macros: { ...MACROS }, errorColor: 'var(--err)' });
}
