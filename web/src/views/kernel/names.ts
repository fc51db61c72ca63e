/** A kernel's name and where it is, short enough for the top bar; the menu says the whole. "Python 3.12 (.venv)" has both in its name. */
export function shortly(name: string, environment: string): { name: string; place: string } {
  const both = /^(.+?) \(([^()]+)\)$/.exec(name);
  if (both) return { name: both[1] ?? name, place: both[2] ?? '' };
  const path = /(?:^|\s)\S*[/\\]([^/\\\s]+)$/.exec(environment);
  const words = /^(?:virtual|conda) environment (\S+)$/.exec(environment);
  return { name, place: path?.[1] ?? words?.[1] ?? '' };
}
