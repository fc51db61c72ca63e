import { expect, test } from 'vitest';
import { shortly } from './names';

test.each([
  ['Python 3.11.7 (py-ipykernel7)', 'chosen with --python', 'Python 3.11.7', 'py-ipykernel7'],
  ['Python 3.12.1', 'the active virtual environment /home/ada/work/.venv', 'Python 3.12.1', '.venv'],
  ['Python 3.12.1', 'virtual environment churn', 'Python 3.12.1', 'churn'],
  ['Python 3.12.1', '/usr/bin/python3', 'Python 3.12.1', 'python3'],
  ['Deno', 'installed as kernel deno', 'Deno', ''],
])('%s, %s', (name, environment, short, place) => expect(shortly(name, environment)).toEqual({ name: short, place }));
