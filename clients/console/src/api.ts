// Asking the server that this page came from.

export class Refused extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
  // It would say more to somebody else.
  get wantsToken(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

const patience = 2500; // milliseconds: a server that says nothing for so long is not reached

// Where access is controlled. Kept for this tab only, and sent to no other server.
const shelf = 'assent.token';
export const hasToken = () => sessionStorage.getItem(shelf) !== null;
export function setToken(token: string | undefined) {
  if (token) sessionStorage.setItem(shelf, token);
  else sessionStorage.removeItem(shelf);
}
export function credentials(): Record<string, string> {
  const token = sessionStorage.getItem(shelf);
  return token ? {Authorization: `Bearer ${token}`} : {};
}

// The answer, or Refused.
export async function answerOf(response: Response): Promise<Response> {
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Refused(response.status, problem.detail ?? response.statusText);
}

export async function ask(path: string): Promise<Response> {
  const signal = AbortSignal.timeout(patience);
  return answerOf(await fetch(path, {cache: 'no-store', headers: credentials(), signal}));
}

export async function get<T>(path: string): Promise<T> {
  return (await ask(path)).json();
}
