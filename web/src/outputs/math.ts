/** Mathematics, a chunk of its own: fetched with the first formula. */
import katex from 'katex';
import 'katex/dist/katex.min.css';

const MACROS = { '\\R': '\\mathbb{R}', '\\N': '\\mathbb{N}', '\\Z': '\\mathbb{Z}' };

/** A formula, as nodes. Commands KaTeX does not know are shown as they are, in the error colour. */
export function formula(source: string, display: boolean): HTMLElement {
  const tex = source.replace(/\\label\{[^}]*\}/g, '').replace(/\{(eqnarray|multline)(\*?)\}/g, '{align*}');
  const html = katex.renderToString(tex, { displayMode: display, throwOnError: false, strict: 'ignore', trust: false, maxExpand: 1000, macros: { ...MACROS }, errorColor: 'var(--err)' });
  const el = document.createElement('span');
  // The page's policy lets no style attribute in with HTML: they are set afterwards. In KaTeX's HTML a quote outside of a tag is &quot;.
  el.innerHTML = html.replaceAll(' style="', ' data-style="');
  for (const styled of el.querySelectorAll<HTMLElement>('[data-style]')) {
    styled.style.cssText = styled.dataset.style ?? '';
    delete styled.dataset.style;
  }
  return el;
}
