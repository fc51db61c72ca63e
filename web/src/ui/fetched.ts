const FIRST_MS = 500;
const MOST_MS = 8_000;

/**
 * Loads a part of the page that comes later, and asks again until it is there: the server may be away just then, and what needs the
 * part waits for it. What is loaded is the same for all who ask.
 */
export function fetched<T>(load: () => Promise<T>, wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))): () => Promise<T> {
  let there: Promise<T> | null = null;
  const persist = async () => {
    for (let ms = FIRST_MS; ; ms = Math.min(2 * ms, MOST_MS)) {
      try {
        return await load();
      } catch {
        await wait(ms);
      }
    }
  };
  return () => (there ??= persist());
}

/** Has the scripts fetched that the page's HTML names for later, and none of them run. */
export function fetchLater(): void {
  for (const link of document.querySelectorAll<HTMLLinkElement>('link[rel=later]')) link.rel = 'modulepreload';
}
