// Asking the server that this page came from.

export class Refused extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

const patience = 2500; // milliseconds: a server that says nothing for so long is not reached

export async function ask(path: string): Promise<Response> {
  const response = await fetch(path, {cache: 'no-store', signal: AbortSignal.timeout(patience)});
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Refused(response.status, problem.detail ?? response.statusText);
}

export async function get<T>(path: string): Promise<T> {
  return (await ask(path)).json();
}
