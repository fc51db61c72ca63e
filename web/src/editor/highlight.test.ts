import { describe, expect, test } from 'vitest';
import { highlight, loadGrammar } from './highlight';
import { loadLanguage } from './live';
import { languageName } from './languages';

describe('highlight', () => {
  test('python, line by line, nothing lost', async () => {
    await loadGrammar('python');
    const source = 'def f(x):\n    """doc"""\n\n    return x + 1  # one\n';
    const lines = highlight(source, 'python');
    expect(lines.map((l) => l.map((s) => s.text).join('')).join('\n')).toBe(source);
    expect(lines[0]?.[0]).toEqual({ text: 'def', className: 'tok-keyword' });
    expect(lines[3]?.find((s) => s.text === '1')?.className).toBe('tok-number');
    expect(lines[3]?.at(-1)).toEqual({ text: '# one', className: 'tok-comment' });
  });
  test.each(['markdown', 'r', 'julia', 'javascript', 'TypeScript', 'bash', 'sql', 'c++'])('%s when its grammar has come', async (language) => {
    const source = '# one\nx = "two" -- 3\n';
    expect(highlight(source, language).flat().every((s) => s.className === '')).toBe(true);
    expect(await loadGrammar(language)).toBe(true);
    const lines = highlight(source, language);
    expect(lines.map((l) => l.map((s) => s.text).join('')).join('\n')).toBe(source);
    expect(lines.flat().some((s) => s.className !== '')).toBe(true);
    expect(await loadLanguage(language)).toBeTruthy();
  });
  test('an unknown language is plain text', async () => {
    expect(await loadGrammar('klingon')).toBe(false);
    expect(highlight('a\n\nb', 'klingon')).toEqual([[{ text: 'a', className: '' }], [], [{ text: 'b', className: '' }]]);
    expect(await loadLanguage('klingon')).toBeNull();
  });
  test('names of kernels and files are known', () => {
    expect(['ipython', 'Python3', 'ipythongfm', 'ts'].map(languageName)).toEqual(['python', 'python', 'markdown', 'typescript']);
  });
});
