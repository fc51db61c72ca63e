/** The set with or without the item; the same set when nothing changes. */
export function changed<T>(set: ReadonlySet<T>, item: T, on: boolean): ReadonlySet<T> {
  if (set.has(item) === on) return set;
  const out = new Set(set);
  if (on) out.add(item);
  else out.delete(item);
  return out;
}
