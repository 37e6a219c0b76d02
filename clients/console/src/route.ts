// Pages and filters live in the URL: #/transactions?q=state:in_doubt

export const pages = [
  'overview',
  'blocking',
  'transactions',
  'participants',
  'transaction',
] as const;
export type Page = (typeof pages)[number];

export interface Route {
  page: Page;
  id?: string;
  query: Record<string, string>;
}

export function parseRoute(hash: string): Route {
  const [path, search] = hash.replace(/^#\/?/, '').split('?', 2);
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(search ?? '')) query[name] = value;
  const [first, second] = path.split('/', 2);
  if (first === 'transactions' && second) return {page: 'transaction', id: second, query};
  const page = pages.find(each => each === first && each !== 'transaction') ?? 'overview';
  return {page, query};
}

export function formatRoute(route: Route): string {
  const path = route.page === 'transaction' ? `transactions/${route.id}` : route.page;
  const filled = Object.entries(route.query).filter(([, value]) => value !== '');
  const search = new URLSearchParams(filled).toString();
  return `#/${path}${search ? `?${search}` : ''}`;
}

export function linkTo(page: Page, id?: string, query: Record<string, string> = {}): string {
  return formatRoute({page, id, query});
}
