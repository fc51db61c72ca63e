/** Altair's HTML: a script that would fetch the library from elsewhere, with the chart's description as its argument. */

/** The description in it, as JSON; null when it is other HTML. */
export function altairSpec(html: string): string | null {
  if (!html.includes('"altair-viz-')) return null;
  const found = /\}\)\((\{[\s\S]*\})\);\s*<\/script>\s*$/.exec(html)?.[1];
  try {
    const read: unknown = JSON.parse(`[${found}]`);
    if (!Array.isArray(read)) return null;
    const [spec, embedOptions]: unknown[] = read;
    if (typeof spec !== 'object' || spec === null || !('$schema' in spec)) return null;
    return JSON.stringify({ ...spec, usermeta: { embedOptions, ...('usermeta' in spec && typeof spec.usermeta === 'object' ? spec.usermeta : {}) } });
  } catch {
    return null;
  }
}
