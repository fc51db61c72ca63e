import { expect, it } from 'vitest';
import { Lines, readEnvironment } from './api';

it('reads what an environment has, and leaves out what is none', () => {
  expect(readEnvironment({ python: '/p', packages: [{ name: 'a', version: '1' }, { version: '2' }, null, { name: 'b' }] })).toEqual({ python: '/p', packages: [{ name: 'a', version: '1' }, { name: 'b', version: '' }] });
  expect(readEnvironment('x')).toEqual({ python: '', packages: [] });
});

it('reads lines in whatever parts they come', () => {
  const lines = new Lines();
  const said = ['{"li', 'ne":"Collecting a"}\n{"line":', '"b"}\n', '\nnone\n{"done":true}\n{"error":"it did not"}'].flatMap((part) => lines.add(part));
  expect(said).toEqual([
    { line: 'Collecting a', done: false, error: '' },
    { line: 'b', done: false, error: '' },
    { line: '', done: false, error: '' },
    { line: '', done: true, error: '' },
  ]);
  expect(lines.add('\n')).toEqual([{ line: '', done: false, error: 'it did not' }]);
});
