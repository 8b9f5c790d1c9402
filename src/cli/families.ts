/** The first words of the command line, and the module behind each: only the chosen one is loaded. */
import type { Entry } from './command.ts';

export const FAMILIES: readonly Entry[] = [
  { name: 'dev', summary: 'Start everything on this machine: an issuer service with a first cluster', load: async () => (await import('./commands/dev.ts')).dev },
  { name: 'serve', summary: 'Run the server for production', load: async () => (await import('./commands/serve.ts')).serve },
  { name: 'config', summary: 'Show and check the configuration of the server', load: async () => (await import('./commands/config.ts')).config },
  { name: 'admin', summary: 'Make the first tenant and Owner of a server, on its machine', load: async () => (await import('./commands/admin.ts')).admin },
  { name: 'login', summary: 'Log in to a server', load: async () => (await import('./commands/login.ts')).login },
  { name: 'logout', summary: 'Forget the login', load: async () => (await import('./commands/login.ts')).logout },
  { name: 'tenant', summary: 'Manage the tenants of a server', load: async () => (await import('./commands/tenant.ts')).tenant },
  { name: 'subscription', summary: 'Manage the subscriptions of a tenant', load: async () => (await import('./commands/subscription.ts')).subscription },
  { name: 'sp', summary: 'Manage the principals that log in, their roles and secrets', load: async () => (await import('./commands/sp.ts')).sp },
  { name: 'group', summary: 'Manage resource groups', load: async () => (await import('./commands/group.ts')).group },
  { name: 'aks', alias: 'cluster', summary: 'Manage clusters and enable their OIDC issuers', load: async () => (await import('./commands/aks.ts')).aks },
  { name: 'issuer', summary: 'Watch and rotate the signing keys of an OIDC issuer', load: async () => (await import('./commands/issuer.ts')).issuer },
  { name: 'signer', summary: 'Manage and run the signers beside the API servers of a cluster', load: async () => (await import('./commands/signer.ts')).signer },
  { name: 'identity', summary: 'Manage identities that log in with the tokens of other issuers', load: async () => (await import('./commands/identity.ts')).identity },
  { name: 'role', summary: 'Give and take roles', load: async () => (await import('./commands/role.ts')).role },
  { name: 'token', summary: 'Create and verify service-account tokens', load: async () => (await import('./commands/token.ts')).token },
  { name: 'account', summary: 'Show and choose subscriptions, show locations', load: async () => (await import('./commands/account.ts')).account },
  { name: 'az-setup', summary: 'Log the real Azure CLI in to this server', load: async () => (await import('./commands/az-setup.ts')).azSetup },
  { name: 'version', summary: 'Show the version', load: async () => (await import('./commands/version.ts')).version },
  { name: 'completion', summary: 'Print the completion script of a shell', load: async () => (await import('./commands/completion.ts')).completion },
];
