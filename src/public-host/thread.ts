/** The entry of the public host's thread: what it is made of is loaded behind this, so that it comes from the compile cache. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./serving.ts');
