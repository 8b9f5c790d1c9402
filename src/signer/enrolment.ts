/**
 * How a machine becomes a signer: it makes its own keys, and shows their public halves to the server that made the token.
 *
 * The token is given to no other: its certificate is the one in the token, and the key that rings have to be signed with
 * is the one that the token names.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { type EnrolmentToken, parseEnrolmentToken } from '../domain/enrolment-token.ts';
import { MintmarkError } from '../domain/errors.ts';
import type { EnrollReply } from '../http/signers/contract.ts';
import { thumbprint } from '../keys/public-jwk.ts';
import { SignerKeys } from '../keys/signer-keys.ts';
import { pinnedCertificate } from './pinned-certificate.ts';
import { requestEnrolment } from './server-client.ts';
import type { EnrolledAs, StateFolder } from './state-folder.ts';

interface Asked {
  readonly tokenFile: string;
  /** Where the token is for any name; the host's when left out. */
  readonly name?: string | undefined;
}

/**
 * Enrols the state folder. After an answer that was lost it may be done again: the keys are kept, and the server takes
 * the same ones a second time.
 * @throws MintmarkError `InvalidConfiguration` for a token that is none, or a folder that is enrolled; `ServerUnreachable`; the server's refusal.
 */
export async function enrol(state: StateFolder, { tokenFile, name = hostname().toLowerCase() }: Asked, now: Date): Promise<EnrolledAs> {
  const former = await state.enrolledAs();
  if (former !== null) throw new MintmarkError('InvalidConfiguration', `${state.dir} is enrolled already, as signer '${former.name}' of ${former.issuerUrl}. Use another folder; or delete that signer on its server, empty the folder, and enrol again.`);
  const { token, text } = await readToken(tokenFile);
  const address = { url: token.url, ca: token.ca === null ? null : await pinnedCertificate(token.url, token.ca) };
  const keys = await keysOf(state);
  const reply = await requestEnrolment(address, keys, { token: text, name, assertionKey: keys.assertionJwk, encryptionKey: keys.encryptionJwk }, now);
  const enrolled = enrolledAs(token, address.ca, reply);
  await state.saveEnrolment(enrolled);
  return enrolled;
}

async function readToken(file: string): Promise<{ readonly token: EnrolmentToken; readonly text: string }> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new MintmarkError('InvalidConfiguration', `The token file ${file} can not be read (${error.code}).`, { cause: error });
  });
  const token = parseEnrolmentToken(text);
  if (token === null) throw new MintmarkError('InvalidConfiguration', `${file} holds no enrolment token. 'mintmark signer create' prints one: a single word that begins with mmse_ (or mmsj_ for a join credential). Was it cut short when it was copied?`);
  return { token, text: text.trim() };
}

/** Kept before the server knows them. */
async function keysOf(state: StateFolder): Promise<SignerKeys> {
  const known = await SignerKeys.load(state.dir);
  if (known !== null) return known;
  const made = SignerKeys.generate();
  await made.save(state.dir);
  return made;
}

function enrolledAs({ url, ringSigningKey: expected }: EnrolmentToken, ca: string | null, { signerId, name, issuerId, issuerURL, ringSigningKey, pollSeconds }: EnrollReply): EnrolledAs {
  if (thumbprint(ringSigningKey) !== expected) throw new MintmarkError('ServerUnreachable', `The server at ${url} signs rings by another key than the one in the token, so it is not the one that made it, or it was set up anew since. Nothing was enrolled here; make another token.`);
  return { url, ca, signerId, name, issuerId, issuerUrl: issuerURL, ringSigningKey, pollSeconds };
}
