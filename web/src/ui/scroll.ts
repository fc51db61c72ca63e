/** The upper and the lower edge of something, on the screen. */
export interface Edges {
  readonly top: number;
  readonly bottom: number;
}

/**
 * By how much to scroll a view so that a thing in it is seen: as little as possible. What is taller than the view stays where it is
 * while it fills a third of it; else its nearer end is shown.
 */
export function scrollToSee(view: Edges, thing: Edges, margin = 24): number {
  const [top, bottom] = [view.top + margin, view.bottom - margin];
  const height = bottom - top;
  const above = thing.top - top;
  const below = thing.bottom - bottom;
  if (thing.bottom - thing.top <= height) return above < 0 ? above : Math.max(below, 0);
  const seen = Math.min(thing.bottom, bottom) - Math.max(thing.top, top);
  if (seen >= height / 3) return 0;
  return above > 0 ? above : below;
}
