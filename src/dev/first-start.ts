/**
 * What a first start of `mintmark dev` puts into its home: tenant, subscription, an Owner, the profile that logs the
 * command line in, and the first cluster. Every step finds out whether it was done, so a start that was cut short
 * is finished by the next.
 */
import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { isMintmarkError, MintmarkError } from '../domain/errors.ts';
import type { Issuer } from '../domain/issuer.ts';
import { SERVER_SCOPE, type Tenant } from '../domain/principal.ts';
import type { Resource } from '../domain/resource.ts';
import type { Sealer } from '../keys/seal.ts';
import { makeClientSecret } from '../service/client-secrets.ts';
import type { Clusters } from '../service/clusters.ts';
import type { ResourceGroups } from '../service/resource-groups.ts';
import { bindKeyEncryptionKey } from '../service/seal-check.ts';
import type { Store } from '../store/store.ts';
import { type Home, readIfThere, writeWhole } from './home.ts';

/** What the command line needs to be logged in; the wire form of `profile.json`. */
export interface Profile {
  readonly endpoint: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly caFile: string;
}

/** Setting of a store that binds it to the port of its home. */
const ISSUER_PORT = 'dev.issuerPort';
const PROFILE_MEMBERS = ['endpoint', 'tenantId', 'subscriptionId', 'clientId', 'clientSecret', 'caFile'] as const satisfies readonly (keyof Profile)[];
const ALWAYS = { ifMatch: null, ifNoneMatch: null } as const;

/**
 * Refuses what would break issuers that exist: another port in their URLs, another key-encryption key.
 * @throws MintmarkError `InvalidConfiguration`, `WrongKeyEncryptionKey`.
 */
export async function bindStore(store: Store, sealer: Sealer, home: Home, issuerPort: number): Promise<void> {
  const { port, hasIssuers } = await store.read(async (tx) => ({ port: await tx.setting(ISSUER_PORT), hasIssuers: (await tx.issuerIds()).length > 0 }));
  if (hasIssuers && port !== null && port !== String(issuerPort)) throw new MintmarkError('InvalidConfiguration', `The issuer URLs in ${home.dir} contain port ${port} and never change, so they can not be served on port ${issuerPort}. Start with --issuer-port ${port}, or use another home with --home DIR.`);
  await bindToKey(store, sealer, home);
  await store.write((tx) => tx.putSetting(ISSUER_PORT, String(issuerPort)));
}

async function bindToKey(store: Store, sealer: Sealer, home: Home): Promise<void> {
  try {
    await bindKeyEncryptionKey(store, sealer);
  } catch (error) {
    if (!isMintmarkError(error, 'WrongKeyEncryptionKey')) throw error;
    throw new MintmarkError('WrongKeyEncryptionKey', `The store ${home.store} was sealed under another key-encryption key than the one in ${home.keyEncryptionKey}. Put the former file back from your backup; without it the keys in the store do not open, and a new home is needed (--home DIR).`, { cause: error });
  }
}

/** The profile, with tenant, subscription and Owner made where they are missing. */
export async function ensureProfile(store: Store, home: Home, config: Config): Promise<Profile> {
  const text = await readIfThere(home.profile);
  const [tenant] = await store.read((tx) => tx.tenants());
  const known = text === null || tenant === undefined ? null : parseProfile(text, home);
  if (known !== null && known.endpoint === config.managementUrl && known.caFile === home.caCertificate) return known;
  const profile = known === null ? await makeOwner(store, home, config, tenant ?? null) : { ...known, endpoint: config.managementUrl, caFile: home.caCertificate };
  await writeWhole(home.profile, `${JSON.stringify(profile, null, 2)}\n`);
  return profile;
}

function parseProfile(text: string, home: Home): Profile {
  try {
    const profile = JSON.parse(text) as Profile;
    if (PROFILE_MEMBERS.every((member) => typeof profile[member] === 'string')) return profile;
  } catch {
    // Said below, for both cases.
  }
  throw new MintmarkError('InvalidConfiguration', `${home.profile} is not what Mintmark wrote. Delete it and start again: a new Owner is made for the same tenant, with a new secret.`);
}

async function makeOwner(store: Store, home: Home, config: Config, existing: Tenant | null): Promise<Profile> {
  const { clientSecret, stored } = await makeClientSecret();
  const [tenantId, newSubscription, clientId] = [existing?.id ?? randomUUID(), randomUUID(), randomUUID()];
  const subscriptionId = await store.write(async (tx) => {
    const createdAt = tx.now;
    if (existing === null) await tx.putTenant({ id: tenantId, displayName: 'Development', createdAt });
    const [subscription] = await tx.subscriptions(tenantId);
    if (subscription === undefined) await tx.putSubscription({ id: newSubscription, tenantId, displayName: 'Development', createdAt });
    await tx.putPrincipal({ id: clientId, tenantId, displayName: 'Owner of this home', secrets: [stored(createdAt)], createdAt });
    const id = subscription?.id ?? newSubscription;
    await tx.putRoleAssignment({ principalId: clientId, role: 'Owner', scope: SERVER_SCOPE });
    return id;
  });
  return { endpoint: config.managementUrl, tenantId, subscriptionId, clientId, clientSecret, caFile: home.caCertificate };
}

export interface FirstCluster {
  readonly cluster: Resource;
  readonly issuer: Issuer;
}

/** The cluster `dev` in the group `dev`, made where there is none; null when the person has made it without an issuer. */
export async function ensureFirstCluster(services: { readonly clusters: Clusters; readonly resourceGroups: ResourceGroups }, store: Store, profile: Profile): Promise<FirstCluster | null> {
  const { tenantId, subscriptionId } = profile;
  const caller = { principalId: profile.clientId, tenantId, clientRequestId: null };
  const seeded = await store.read((tx) => tx.setting('dev.seeded'));
  const place = { tenantId, subscriptionId, resourceGroup: 'dev', name: 'dev' };
  if (seeded === null) {
    await services.resourceGroups.put({ tenantId, subscriptionId, name: 'dev' }, {}, ALWAYS);
    await services.clusters.put(caller, place, { properties: { oidcIssuerProfile: { enabled: true } } }, ALWAYS);
    await store.write((tx) => tx.putSetting('dev.seeded', 'true'));
  }
  const view = await services.clusters.get(place).catch((error: unknown) => {
    if (error instanceof MintmarkError) return null;
    throw error;
  });
  return view === null || view.issuer === null ? null : { cluster: view.cluster, issuer: view.issuer };
}
