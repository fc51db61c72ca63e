import { expect, it } from 'vitest';
import { textOfHtml } from './markup';

const seen = (html: string) => textOfHtml(html).split(/\n+/).filter(Boolean);

it('takes a table apart', () => expect(seen('<table border="1"><tr><th>a</th><td>1 &lt; 2</td></tr></table>')).toEqual(['a', '1 < 2']));
it('leaves a word whole that is written in two ways', () => expect(seen('<p>re<b>sult</b>s</p>')).toEqual(['results']));
it('does not show what a person does not see', () => expect(seen('a<script>if (1 < 2) hidden()</SCRIPT>b<!-- no > --><style>p > a {}</style>c')).toEqual(['a', 'b', 'c']));
it('knows a value with a > in it, and a < that is none of a tag', () => expect(seen('<a title="x > y">1 < 2</a> & &nbsp;&#65;&#x42;')).toEqual(['1 < 2 &  AB']));
it('reads what is not ended to the end', () => {
  expect(seen('a<!-- b')).toEqual(['a']);
  expect(seen('a<script>b')).toEqual(['a']);
  expect(seen('a<p title="b')).toEqual(['a']);
});
