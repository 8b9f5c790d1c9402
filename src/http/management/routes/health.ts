/** Whether the process lives, and whether it can serve: for whoever watches it, without login. */
import { health } from '../contract.ts';
import { type Route, route } from '../route.ts';

/** `ready` tells whether the store answers and the keys can be opened. */
export const healthRoutes = (ready: () => Promise<boolean>): readonly Route[] => [
  route({
    method: 'GET', url: '/healthz', access: 'public', summary: 'Whether the process lives.', replies: { 200: health },
    handle: async () => ({ status: 200, body: { status: 'ok' } }),
  }),
  route({
    method: 'GET', url: '/readyz', access: 'public', summary: 'Whether the server can serve.', replies: { 200: health, 503: health },
    handle: async () => (await ready() ? { status: 200, body: { status: 'ok' } } : { status: 503, body: { status: 'not ready' } }),
  }),
];
