/** Times, sizes and places in words, short and in the same form everywhere. */

/** "0.18 s", "41.6 s", "3 min 12 s", "2 h 5 min". */
export function duration(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s < 10) return `${s.toFixed(s < 1 ? 2 : 1)} s`;
  if (s < 60) return `${s.toFixed(1)} s`;
  return wholeDuration(ms);
}

/** The same without a fraction, for timers that run: "8 s", "3 min 12 s". */
export function wholeDuration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min ${s % 60} s`;
  return `${Math.floor(min / 60)} h ${min % 60} min`;
}

/** "just now", "2 s ago", "5 min ago", "14:02", "3 Nov, 14:02". */
export function ago(at: number, now: number): string {
  const s = Math.max(0, Math.floor((now - at) / 1000));
  if (s < 2) return 'just now';
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  return `at ${clock(at, now)}`;
}

/** The time of day, with the day when it was another one. */
export function clock(at: number, now: number): string {
  const then = new Date(at);
  const time = then.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  if (then.toDateString() === new Date(now).toDateString()) return time;
  return `${then.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${time}`;
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** "312 MB", "1.4 GB", "900 B". */
export function bytes(n: number): string {
  let value = n;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const text = unit === 0 || value >= 100 ? Math.round(value).toString() : value.toFixed(1).replace(/\.0$/, '');
  return `${text} ${UNITS[unit] ?? 'B'}`;
}

/** "2nd", "3rd", "11th". */
export function ordinal(n: number): string {
  const tens = n % 100;
  const ones = n % 10;
  const end = tens >= 11 && tens <= 13 ? 'th' : ones === 1 ? 'st' : ones === 2 ? 'nd' : ones === 3 ? 'rd' : 'th';
  return `${n}${end}`;
}

/** "1 cell", "3 cells". */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folder of a path, '' at the top. */
export function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

/** Whether the name is that of a notebook, as the server sees it. */
export function isNotebook(path: string): boolean {
  return /\.ipynb$/i.test(path);
}

/** A part of an address, its escapes read; as it stands where they are badly written. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
