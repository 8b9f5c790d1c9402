/** The entry of the public host's thread: what it is made of is loaded behind this, so that it comes from the compile cache. */
import { enableCompileCache } from 'node:module';

if (process.env['NODE_COMPILE_CACHE'] !== undefined) enableCompileCache();
await import('./serving.ts');
