/** How many RSA keys of 2048 bits this machine makes: node's own generation, two at the same time. Told seconds, answers how many; ends with its parent. */
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

const AT_ONCE = 2;
const make = promisify(generateKeyPair);

async function generate(seconds: number): Promise<{ readonly made: number; readonly cpuSeconds: number; readonly wallSeconds: number }> {
  let made = 0;
  const [cpu, begun] = [process.cpuUsage(), performance.now()];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (; performance.now() < begun + seconds * 1000; made += 1) await make('rsa', { modulusLength: 2048 });
  }));
  const { user, system } = process.cpuUsage(cpu);
  return { made, cpuSeconds: (user + system) / 1e6, wallSeconds: (performance.now() - begun) / 1000 };
}

process.on('message', (seconds: number) => void generate(seconds).then((result) => process.send!(result)));
process.on('disconnect', () => process.exit(0));
