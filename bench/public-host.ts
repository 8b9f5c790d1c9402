/**
 * The public host in a process of its own, as `app.ts` builds it and with its default settings, with one issuer in its store.
 * Prints its port and the path of the issuer's JWKS as one line of JSON; ends on SIGTERM.
 */
import { pino } from 'pino';
import { createPublicHost } from '../src/app.ts';
import { JWKS_SUFFIX } from '../src/domain/issuer.ts';
import { systemClock } from '../src/service/clock.ts';
import { Publisher } from '../src/service/publisher.ts';
import { issuerWithRing, storeWith } from './an-issuer.ts';

const { issuer, ring } = issuerWithRing(new Date());
const log = pino();
const publisher = new Publisher(storeWith(issuer, ring), systemClock, log, { name: 'bench', maxIssuersInMemory: 10_000 });
const host = createPublicHost({ issuer: { host: '127.0.0.1', port: 0 }, stopWithin: 1 }, publisher, log, null);
const port = await host.start();
process.stdout.write(`${JSON.stringify({ port, path: `${issuer.path}${JWKS_SUFFIX}` })}\n`);
process.once('SIGTERM', () => void host.stop());
