/** The clients of the Azure SDK for JavaScript as docs/azure-sdk.md sets them up, for a server with a certificate of its own. */
import { readFile } from 'node:fs/promises';
import { ContainerServiceClient } from '@azure/arm-containerservice';
import { ManagedServiceIdentityClient } from '@azure/arm-msi';
import { ResourceManagementClient } from '@azure/arm-resources';
import { ClientSecretCredential, type TokenCredential, WorkloadIdentityCredential } from '@azure/identity';
import type { Profile } from './dev-server.ts';

export interface AzureSdk {
  readonly clusters: ContainerServiceClient['managedClusters'];
  readonly agentPools: ContainerServiceClient['agentPools'];
  readonly groups: ResourceManagementClient['resourceGroups'];
  readonly resources: ResourceManagementClient['resources'];
  readonly providers: ResourceManagementClient['providers'];
  readonly identities: ManagedServiceIdentityClient['userAssignedIdentities'];
  readonly credentials: ManagedServiceIdentityClient['federatedIdentityCredentials'];
}

/** Makes them for one server. A process of its own would be told of the authority by NODE_EXTRA_CA_CERTS; this one trusts more than one. */
export async function azureSdk({ endpoint, tenantId, subscriptionId, clientId, clientSecret, caFile }: Profile) {
  // No proxy of this machine is asked for what is on it.
  process.env['NO_PROXY'] = 'localhost';
  const tlsOptions = { ca: await readFile(caFile, 'utf8') };
  const authority = { authorityHost: endpoint, disableInstanceDiscovery: true, tlsOptions };

  /** All of them, by one credential. `at`: another address of the same server; `maxRetries`: in place of the SDK's own three. */
  function clients(credential: TokenCredential, { at = endpoint, ...retryOptions }: { readonly at?: string; readonly maxRetries?: number } = {}): AzureSdk {
    const options = { endpoint: at, tlsOptions, retryOptions };
    const scope = `${endpoint}/.default`;
    const aks = new ContainerServiceClient(credential, subscriptionId, { ...options, credentials: { scopes: [scope] } });
    const arm = new ResourceManagementClient(credential, subscriptionId, { ...options, credentialScopes: scope });
    const msi = new ManagedServiceIdentityClient(credential, subscriptionId, { ...options, credentialScopes: scope });
    return { clusters: aks.managedClusters, agentPools: aks.agentPools, groups: arm.resourceGroups, resources: arm.resources, providers: arm.providers, identities: msi.userAssignedIdentities, credentials: msi.federatedIdentityCredentials };
  }

  return {
    clients, tlsOptions,
    bySecret: (secret = clientSecret): TokenCredential => new ClientSecretCredential(tenantId, clientId, secret, authority),
    byToken: (identity: string, tokenFilePath: string): TokenCredential => new WorkloadIdentityCredential({ tenantId, clientId: identity, tokenFilePath, ...authority }),
  };
}
