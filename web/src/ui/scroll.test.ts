import { describe, expect, it } from 'vitest';
import { scrollToSee } from './scroll';

const view = { top: 0, bottom: 900 };
const see = (top: number, height: number) => scrollToSee(view, { top, bottom: top + height }, 0);

describe('scrollToSee', () => {
  it('does nothing for what is seen, and as little as possible for the rest', () => {
    expect(see(100, 200)).toBe(0);
    expect(see(-50, 200)).toBe(-50);
    expect(see(800, 200)).toBe(100);
    expect(see(2000, 200)).toBe(1300);
  });
  it('leaves a tall one where the person is in it', () => {
    expect(see(-5000, 20_000)).toBe(0);
    expect(see(400, 2000)).toBe(0);
  });
  it('shows the nearer end of a tall one that is hardly seen', () => {
    expect(see(800, 2000)).toBe(800);
    expect(see(-1900, 2000)).toBe(-800);
  });
});
