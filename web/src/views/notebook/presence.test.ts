import { describe, expect, it } from 'vitest';
import { Presence } from './presence';

describe('Presence', () => {
  it('begins with the page or a run, and ends with the next key', () => {
    const p = new Presence();
    expect(p.waits).toBe(true);
    p.touch(1);
    expect(p.waits).toBe(false);
    p.ran(2);
    expect(p.waits).toBe(true);
    p.touch(3);
    expect(p.waits).toBe(false);
    p.ran(4);
    expect(p.waits).toBe(true);
  });
  it('takes the key that asked for the run as before it, in whatever order the two are told', () => {
    const p = new Presence();
    p.ran(2);
    p.touch(1.5);
    expect(p.waits).toBe(true);
  });
});
