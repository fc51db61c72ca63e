/** Small texts that survive a reload of the page, not its closing. */
export interface Keep {
  get(key: string): string | null;
  set(key: string, value: string | null): void;
  /** The keys that begin so. */
  keys(prefix: string): readonly string[];
}
