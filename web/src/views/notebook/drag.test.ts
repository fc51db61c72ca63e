import { expect, test } from 'vitest';
import { landing, scrollBy } from './drag';

const cells = [{ top: 0, bottom: 100 }, { top: 100, bottom: 140 }, { top: 140, bottom: 340 }];

test.each([
  [-50, 0], [49, 0], [50, 1], [119, 1], [120, 2], [239, 2], [240, 3], [900, 3],
])('what is let go of at %i lands before cell %i', (y, at) => expect(landing(cells, y)).toBe(at));

test('the notebook scrolls near its edges, the faster the nearer, and nowhere else', () => {
  const view = { top: 50, bottom: 850 };
  expect(scrollBy(view, 400)).toBe(0);
  expect(scrollBy(view, 106)).toBe(0);
  expect(scrollBy(view, 80)).toBeLessThan(0);
  expect(scrollBy(view, 60)).toBeLessThan(scrollBy(view, 80));
  expect(scrollBy(view, 840)).toBeGreaterThan(0);
  expect(scrollBy(view, 2000)).toBe(-scrollBy(view, -2000));
});
