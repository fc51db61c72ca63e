import { expect, it } from 'vitest';
import { fetched } from './fetched';

it('asks again until the part is there, ever more slowly, and once for all', async () => {
  let tries = 0;
  const waits: number[] = [];
  const part = fetched(
    () => (++tries < 8 ? Promise.reject(new Error('the server is away')) : Promise.resolve('part')),
    (ms) => Promise.resolve(void waits.push(ms)),
  );
  expect(await Promise.all([part(), part()])).toEqual(['part', 'part']);
  expect(await part()).toBe('part');
  expect(tries).toBe(8);
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000]);
});
