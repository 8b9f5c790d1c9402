/** `admin`: what is done on the store itself, on the server's machine. Declared here so that help shows it; done by what `main.ts` gives. */
import { command, entry, type Group, type OptionSpec, type Outcome } from '../command.ts';
import type { StoreFlags } from '../session.ts';

const STORE_FLAGS: readonly OptionSpec[] = [
  { flags: '--store <file>', summary: 'SQLite file of the store' },
  { flags: '--key-encryption-key <file>', summary: 'File of its key-encryption key' },
  { flags: '--config <file>', summary: "The server's configuration, instead of both; MINTMARK_CONFIG when left out" },
];

interface Told {
  readonly managementUrl: string | null;
  readonly tenantId: string;
  readonly subscriptionId?: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The secret is shown this once, so its place stands beside it. */
function told({ managementUrl, tenantId, subscriptionId, clientId, clientSecret }: Told): Outcome {
  const lines = [
    `Tenant         ${tenantId}`,
    ...(subscriptionId === undefined ? [] : [`Subscription   ${subscriptionId}`]),
    `Client id      ${clientId}`,
    `Client secret  ${clientSecret}`,
    '',
    'The secret is shown only now. Put it into a file that only you can read, then log in:',
    '',
    `  mintmark login --server ${managementUrl ?? 'URL'} --tenant ${tenantId} --client-id ${clientId} --secret-file FILE`,
    '',
    "If a private authority signed the server's certificate, add --ca-file with the authority's.",
    '',
  ];
  return { result: { tenantId, ...(subscriptionId === undefined ? {} : { subscriptionId }), clientId, clientSecret }, text: lines.join('\n') };
}

const bootstrapped = command<StoreFlags & { readonly tenantName?: string; readonly subscriptionName?: string }>({
  examples: ['mintmark admin bootstrap --config /etc/mintmark/mintmark.yaml', 'mintmark admin bootstrap --store /var/lib/mintmark/mintmark.db --key-encryption-key /etc/mintmark/key-encryption-key --output json'],
  options: [
    ...STORE_FLAGS,
    { flags: '--tenant-name <name>', summary: 'Name of the tenant for people (Default)' },
    { flags: '--subscription-name <name>', summary: 'Name of the subscription for people (Default)' },
  ],
  run: async ({ io }, { tenantName = 'Default', subscriptionName = 'Default', ...flags }) => told(await io.commands.bootstrap({ ...flags, tenantName, subscriptionName })),
});

const ownerReset = command<StoreFlags & { readonly clientId?: string }>({
  examples: ['mintmark admin reset-owner --config /etc/mintmark/mintmark.yaml'],
  options: [...STORE_FLAGS, { flags: '--client-id <id>', summary: 'Which Owner; the first when left out' }],
  run: async ({ io }, flags) => told(await io.commands.resetOwner(flags)),
});

export const admin: Group = {
  commands: [
    entry('bootstrap', 'Make the first tenant, subscription and Owner of a store', bootstrapped),
    entry('reset-owner', 'Give an Owner of the whole server a new secret, when the old one is lost', ownerReset),
  ],
};
