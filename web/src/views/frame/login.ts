/** Logging in again without leaving the page: what runs goes on, and what is typed stays. */

/** A sentence when it did not work, else null. */
export async function logIn(token: string): Promise<string | null> {
  let response: Response;
  try {
    response = await fetch('/login', { method: 'POST', redirect: 'manual', body: new URLSearchParams({ token, next: '/' }) });
  } catch {
    return 'The server cannot be reached.';
  }
  // The answer to the right token leads on; where to does not matter here.
  if (response.type === 'opaqueredirect') return null;
  if (response.status === 429) return 'Too many wrong tokens. Wait a moment.';
  return response.status === 401 ? 'That is not the token.' : `The server answered ${response.status}.`;
}
