/**
 * How a machine becomes a signer: it makes its own keys, and shows their public halves to the server that made the token.
 *
 * The token is given to no other: its certificate is the one in the token, and the key that rings have to be signed with
 * is the one that the token names.
 */
import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { type EnrolmentToken, parseEnrolmentToken } from '../domain/enrolment-token.ts';
import { MintmarkError } from '../domain/errors.ts';
import { SIGNER_NAME } from '../domain/signer-name.ts';
import type { EnrollReply } from '../http/signers/contract.ts';
import { thumbprint } from '../keys/public-jwk.ts';
import { SignerKeys } from '../keys/signer-keys.ts';
import { pinnedCertificate } from './pinned-certificate.ts';
import { requestEnrolment } from './server-client.ts';
import type { EnrolledAs, StateFolder } from './state-folder.ts';
import { proxyTo, proxyWarning } from './server-proxy.ts';

interface Asked {
  readonly tokenFile: string;
  /** Where the token is for any name: the host's when left out. Another than a token was made for is refused. */
  readonly name?: string | undefined;
  /** Told of a token that others can read, and of a proxy that can not be asked. */
  readonly warn: (text: string) => void;
  /** In which `HTTPS_PROXY` and `NO_PROXY` are looked for. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Enrols the state folder. After an answer that was lost it may be done again: the keys are kept, and the server takes
 * the same ones a second time.
 * @throws MintmarkError `InvalidConfiguration` for a token or a name that is none, or a folder that is enrolled; `ServerUnreachable`; the server's refusal.
 */
export async function enrol(state: StateFolder, { tokenFile, name: given, warn, env }: Asked, now: Date): Promise<EnrolledAs> {
  const former = await state.enrolledAs();
  if (former !== null) throw new MintmarkError('InvalidConfiguration', `${state.dir} is enrolled already, as signer '${former.name}' of ${former.issuerUrl}. Use another folder; or delete that signer on its server, empty the folder, and enrol again.`);
  const name = given === undefined ? hostName() : checkedName(given);
  const { token, text } = await readToken(tokenFile, warn);
  assertNamed(token, given, tokenFile);
  const [proxy, warning] = [proxyTo(token.url, env), proxyWarning(env)];
  if (warning !== null) warn(warning);
  const address = { url: token.url, proxy, ca: token.ca === null ? null : await pinnedCertificate(token.url, token.ca, proxy) };
  const keys = await keysOf(state);
  const reply = await requestEnrolment(address, keys, { token: text, name, assertionKey: keys.assertionJwk, encryptionKey: keys.encryptionJwk }, now);
  const enrolled = enrolledAs(token, address.ca, reply);
  await state.saveEnrolment(enrolled);
  return enrolled;
}

/** @throws MintmarkError `InvalidConfiguration` before anything is made or sent. */
function checkedName(name: string): string {
  if (SIGNER_NAME.test(name)) return name;
  throw new MintmarkError('InvalidConfiguration', `--signer: '${name}' is no name for a signer. It has lower-case letters, digits, dots and hyphens, begins and ends with a letter or digit, and is 253 characters long at most. Nothing was sent.`);
}

/** @throws MintmarkError `InvalidConfiguration`, before the token is used up, for another name than it was made for. */
function assertNamed({ name }: EnrolmentToken, given: string | undefined, tokenFile: string): void {
  if (given === undefined || name === null || given === name) return;
  throw new MintmarkError('InvalidConfiguration', `--signer: the token in ${tokenFile} was made for '${name}', not for '${given}'. Leave --signer out to enrol as '${name}'; 'mintmark signer create --signer ${given}' makes a token for the other. Nothing was sent.`);
}

/** Undefined for one that no signer can have: the token may be for a name, and then none is needed. */
function hostName(): string | undefined {
  const name = hostname().toLowerCase();
  return SIGNER_NAME.test(name) ? name : undefined;
}

async function readToken(file: string, warn: Asked['warn']): Promise<{ readonly token: EnrolmentToken; readonly text: string }> {
  const [text, { mode }] = await Promise.all([readFile(file, 'utf8'), stat(file)]).catch((error: NodeJS.ErrnoException) => {
    throw new MintmarkError('InvalidConfiguration', `The token file ${file} can not be read (${error.code}).`, { cause: error });
  });
  const token = parseEnrolmentToken(text);
  if (token === null) throw new MintmarkError('InvalidConfiguration', `${file} holds no enrolment token. 'mintmark signer create' prints one: a single word that begins with mmse_ (or mmsj_ for a join credential). Was it cut short when it was copied?`);
  if ((mode & 0o077) !== 0) warn(`The token file ${file} can be read by others than its owner, and whoever has the token can enrol a machine that is given the key that signs: run chmod 600 ${file}, and think of who may have read it.`);
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
