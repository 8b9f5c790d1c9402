/** A thread of `generator.ts`: gets a size in bits, answers with a pair of that size, and the same again. */
import { generateKeyPairSync } from 'node:crypto';
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import type { RsaBits } from './generate.ts';
import type { MadePair } from './generator.ts';

// On Linux a thread has a priority of its own, and this is its own; elsewhere it would be that of the whole process. The lowest, since who
// asks for a document notices a wait of milliseconds, and who waits for a key does not.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_LOW);

parentPort?.on('message', (bits: RsaBits) => parentPort?.postMessage(generateKeyPairSync('rsa', { modulusLength: bits }) satisfies MadePair));
