import { describe, expect, it } from 'vitest';
import { DrawPace } from './pace';

describe('the pace of drawings', () => {
  it('lets what can be read along through', () => {
    const pace = new DrawPace();
    for (let ms = 0; ms < 5_000; ms += 5) expect(pace.printed(60, ms)).toBe(0);
    expect(pace.printed(8_000, 6_000), 'one long print').toBe(0);
  });

  it('holds the drawings of a flood apart, the more the longer they take', () => {
    const pace = new DrawPace();
    const waits = () => Array.from({ length: 50 }, (_, i) => pace.printed(50_000, i * 8)).at(-1);
    expect(waits()).toBe(80);
    pace.drew(40);
    expect(waits()).toBe(160);
    pace.drew(1_000);
    expect(waits()).toBe(250);
  });

  it('forgets a flood that is over', () => {
    const pace = new DrawPace();
    expect(pace.printed(1_000_000, 0)).toBeGreaterThan(0);
    expect(pace.printed(100, 2_000)).toBe(0);
  });
});
