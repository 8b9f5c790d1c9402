/** The issuer of a cluster and its key ring: `issuer show|list|list-keys|show-public-keys|list-events|set-rotation|rotate|revoke-key|import-key`. */
import type { IssuerBody, KeyBody, KeyEventBody } from '../../http/management/contract.ts';
import { command, entry, type Group } from '../command.ts';
import { parsePeriod } from '../lengths-of-time.ts';
import { bodyOf } from '../reply-body.ts';
import { flattened, issuerOutput, keyStateInWords, timeInWords } from '../output/resources.ts';
import { paths } from '../paths.ts';
import { apiServerFlagsShown } from './api-server-flags.ts';
import { CLUSTER_FLAGS, type ClusterFlags } from './flags.ts';
import { issuerImportKey } from './issuer-import-key.ts';
import { publicKeysShown } from './issuer-public-keys.ts';
import { issuerRotate, revokeKey } from './issuer-rotate.ts';

const shown = command<ClusterFlags & { readonly watch?: true }>({
  examples: ['mintmark issuer show -g myResourceGroup -n myAKSCluster --output table', 'mintmark issuer show -g myResourceGroup -n myAKSCluster --watch'],
  options: [...CLUSTER_FLAGS, { flags: '--watch', summary: 'Show keys, calendar and timeline, each second anew, until Ctrl-C' }],
  async run(session, flags) {
    const [api, path] = [await session.api(), paths.issuer(await session.cluster(flags))];
    const { issuerView } = await import('../issuer-view/issuer-view.ts');
    const { watchIssuer, widthOf } = await import('../issuer-view/watch.ts');
    if (flags.watch === true) return watchIssuer(session.io, () => api.get<IssuerBody>(path), () => false).then(() => ({}));
    const issuer = await api.get<IssuerBody>(path);
    return { result: issuerOutput(issuer), table: { lines: issuerView(issuer, new Date(), widthOf(session.io)) } };
  },
});

interface IssuerSummary {
  readonly properties: Readonly<Record<'clusterName' | 'resourceGroup' | 'issuerURL' | 'activeKid' | 'activeSince', string>> & { readonly nextRotationAt: string | null; readonly nextRotationWaitsFor?: 'signers' | 'publication' | null };
}

function nextRotationInWords({ properties: { nextRotationAt, nextRotationWaitsFor = null } }: IssuerSummary): string {
  if (nextRotationAt !== null) return timeInWords(nextRotationAt);
  return nextRotationWaitsFor === null ? 'off' : `waits for ${nextRotationWaitsFor}`;
}

const listed = command<unknown>({
  examples: ['mintmark issuer list --output table'],
  options: [],
  async run(session) {
    const issuers = await (await session.api()).list<IssuerSummary>(paths.issuers(await session.subscription()));
    const rows = issuers.map((summary) => {
      const { clusterName, resourceGroup, issuerURL, activeSince } = summary.properties;
      return { cluster: clusterName, resourceGroup, issuerUrl: issuerURL, signsSince: timeInWords(activeSince), nextRotation: nextRotationInWords(summary) };
    });
    return { result: issuers.map(flattened), table: { rows } };
  },
});

const keysListed = command<ClusterFlags>({
  examples: ['mintmark issuer list-keys -g myResourceGroup -n myAKSCluster --output table'],
  options: CLUSTER_FLAGS,
  async run(session, flags) {
    const keys = await (await session.api()).list<KeyBody>(paths.issuerPart(await session.cluster(flags), 'keys'));
    const rows = keys.map((key) => ({ kid: key.kid, state: keyStateInWords(key), algorithm: key.algorithm, liveTokens: key.liveTokens }));
    return { result: keys.map(flattened), table: { rows } };
  },
});

const eventsListed = command<ClusterFlags>({
  examples: ['mintmark issuer list-events -g myResourceGroup -n myAKSCluster --output table'],
  options: CLUSTER_FLAGS,
  async run(session, flags) {
    const events = await (await session.api()).list<KeyEventBody>(paths.issuerPart(await session.cluster(flags), 'events'));
    const rows = events.map(({ number, at, kind, kid, actor, reason }) => ({ number, at: timeInWords(at), kind, kid: kid ?? '', actor, reason }));
    return { result: events.map(flattened), table: { rows } };
  },
});

const rotationSet = command<ClusterFlags & { readonly rotateEvery: number | 'off' }>({
  examples: ['mintmark issuer set-rotation -g myResourceGroup -n myAKSCluster --rotate-every 30d', 'mintmark issuer set-rotation -g myResourceGroup -n myAKSCluster --rotate-every off'],
  options: [...CLUSTER_FLAGS, { flags: '--rotate-every <period>', summary: 'Period from 2 to 365 days, such as 30d, 720h or P30D; or off', required: true, parse: parsePeriod }],
  async run(session, { rotateEvery, ...flags }) {
    const path = paths.issuerPart(await session.cluster(flags), 'rotationPolicy');
    const reply = await (await session.api()).send('PUT', path, { properties: { rotateEverySeconds: rotateEvery === 'off' ? null : rotateEvery } });
    return { result: flattened(bodyOf<object>(reply)) };
  },
});

export const issuer: Group = {
  commands: [
    entry('show', 'Show the issuer of a cluster: its URL, keys and calendar', shown),
    entry('list', 'List the issuers of all clusters', listed),
    entry('list-keys', 'List the keys of an issuer with their states', keysListed),
    entry('show-public-keys', 'Show the public keys of an issuer as PEM, for --service-account-key-file', publicKeysShown),
    entry('list-events', 'List what happened to the keys of an issuer', eventsListed),
    entry('set-rotation', 'Set how often the keys rotate by themselves', rotationSet),
    entry('rotate', 'Rotate the signing keys', issuerRotate),
    entry('show-api-server-flags', 'Show the flags by which an API server takes part', apiServerFlagsShown),
    entry('revoke-key', 'Take one key out of the JWKS at once', revokeKey),
    entry('import-key', 'Take over a key that the cluster has already', issuerImportKey),
  ],
};
