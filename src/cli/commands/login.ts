/** `login` and `logout`: the profile by which all other commands find their server. */
import { command } from '../command.ts';
import { failure, usageError } from '../errors.ts';
import { paths } from '../paths.ts';
import { assertReplaceable, dropProfile, homeOf, newProfile, readProfile, writeProfile } from '../profile.ts';
import { readSecretFile } from '../secret-file.ts';
import type { Session } from '../session.ts';

interface LoginFlags {
  readonly server: string;
  readonly tenant: string;
  readonly clientId: string;
  readonly secretFile: string;
  readonly caFile?: string;
}

function server(text: string): string {
  if (URL.canParse(text) && new URL(text).protocol === 'https:' && new URL(text).href === `${new URL(text).origin}/`) return new URL(text).origin;
  throw usageError(`argument --server: '${text}' is no https URL of a server, such as https://mintmark.example.com:8443.`);
}

interface Subscription {
  readonly subscriptionId: string;
  readonly displayName: string;
}

/** The subscription that commands are to work on: the one that was asked for, else the first, else none. */
function chosenSubscription(session: Session, all: readonly Subscription[]): string {
  const wanted = session.globals.subscription;
  if (wanted === null) return all[0]?.subscriptionId ?? '';
  const found = all.find(({ subscriptionId, displayName }) => [subscriptionId, displayName].some((name) => name.toLowerCase() === wanted.toLowerCase()));
  if (found === undefined) throw failure(`The principal can not see a subscription '${wanted}'; it sees ${all.map(({ subscriptionId }) => subscriptionId).join(', ') || 'none'}.`);
  return found.subscriptionId;
}

export const login = command<LoginFlags>({
  examples: ['mintmark login --server https://mintmark.example.com:8443 --tenant 3f0c2a51-5b1e-4f7e-9d53-1c7a5a0f4f11 --client-id 7c1f0b9a-2f1d-4f43-8d1b-5e0d6a9b3c22 --secret-file owner-secret --ca-file ca.pem'],
  options: [
    { flags: '--server <url>', summary: 'Base URL of the management API', required: true, parse: server },
    { flags: '--tenant <id>', summary: 'Tenant of the principal', required: true },
    { flags: '--client-id <id>', summary: 'Client id of the principal', required: true },
    { flags: '--secret-file <file>', summary: 'File with its secret and nothing else', required: true },
    { flags: '--ca-file <file>', summary: "Authority of the server's certificate, PEM; the system's when left out" },
  ],
  async run(session, { server: endpoint, tenant: tenantId, clientId, secretFile, caFile }) {
    const home = homeOf(session.io.env);
    const members = { endpoint, tenantId, clientId, clientSecret: await readSecretFile(secretFile, session.report), caFile };
    const profile = await newProfile(home, { ...members, subscriptionId: '' });
    const replaces = await assertReplaceable(home, profile);
    const all = await (await session.logIn(profile)).list<Subscription>(paths.subscriptions());
    const subscriptionId = chosenSubscription(session, all);
    await writeProfile(home, { ...members, subscriptionId });
    if (replaces) session.report.warn(`The former login of this principal in ${home} was replaced.`);
    if (subscriptionId === '') session.report.warn("The principal can not see a subscription yet: after 'mintmark subscription create', choose it with 'mintmark account set'.");
    return { result: { endpoint, tenantId, clientId, subscriptionId: subscriptionId === '' ? null : subscriptionId, home } };
  },
});

export const logout = command<unknown>({
  examples: ['mintmark logout'],
  options: [],
  async run(session) {
    const home = homeOf(session.io.env);
    const { endpoint, clientId } = await readProfile(home);
    await dropProfile(home);
    session.report.warn(`Logged out: ${home} has no profile any more. The secret of '${clientId}' at ${endpoint} is still good.`);
    return {};
  },
});
