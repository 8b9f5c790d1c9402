/** Which name a machine enrols under: a token has one, or leaves it to `--signer`. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockFile } from '../../src/serve/server-process.ts';
import { enrol } from '../../src/signer/enrolment.ts';
import { openStateFolder } from '../../src/signer/state-folder.ts';
import { openSignerWorld } from '../support/signer-process.ts';
import { ADA } from '../support/signers.ts';

test('another name than that of a token is refused before it is used up; a join credential takes any', async (t) => {
  const world = await openSignerWorld(t);
  let folders = 0;
  const enrolledAs = async (tokenFile: string, name?: string): Promise<string> => {
    const state = await openStateFolder(join(world.folder, `machine-${(folders += 1)}`), lockFile);
    t.after(() => state.release());
    return (await enrol(state, { tokenFile, name, warn: assert.fail, env: {} }, world.clock.now())).name;
  };
  const [token, second, unnamed, credential] = [await world.tokenFile('cp-1'), await world.tokenFile('cp-2'), await world.tokenFile(null), join(world.folder, 'join')];
  writeFileSync(credential, (await world.world.credentials.createJoinCredential(ADA, world.world.cluster, { expiresIn: null, mostUses: null, cidrs: [], replacesByName: false })).token, { mode: 0o600 });
  await assert.rejects(enrolledAs(token, 'other'), {
    code: 'InvalidConfiguration',
    message: `--signer: the token in ${token} was made for 'cp-1', not for 'other'. Leave --signer out to enrol as 'cp-1'; 'mintmark signer create --signer other' makes a token for the other. Nothing was sent.`,
  });
  assert.deepEqual([await enrolledAs(token, 'cp-1'), await enrolledAs(second), await enrolledAs(unnamed, 'cp-3'), await enrolledAs(credential, 'cp-4')], ['cp-1', 'cp-2', 'cp-3', 'cp-4']);
});
