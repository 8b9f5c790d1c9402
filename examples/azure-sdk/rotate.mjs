// Makes a cluster with an issuer, and rotates its keys: with the Azure SDK for JavaScript, against Mintmark.
import { readFileSync } from 'node:fs';
import { ContainerServiceClient } from '@azure/arm-containerservice';
import { ResourceManagementClient } from '@azure/arm-resources';
import { ClientSecretCredential } from '@azure/identity';

const { endpoint, tenantId, subscriptionId, clientId, clientSecret } = JSON.parse(readFileSync(`${process.env.MINTMARK_HOME}/profile.json`, 'utf8'));

const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, { authorityHost: endpoint, disableInstanceDiscovery: true });
const groups = new ResourceManagementClient(credential, subscriptionId, { endpoint }).resourceGroups;
const clusters = new ContainerServiceClient(credential, subscriptionId, { endpoint, credentials: { scopes: [`${endpoint}/.default`] } }).managedClusters;

await groups.createOrUpdate('sdk', { location: 'eastus' });
const { oidcIssuerProfile } = await clusters.createOrUpdate('sdk', 'sdk', { location: 'eastus', oidcIssuerProfile: { enabled: true } });
console.log(`issuer   ${oidcIssuerProfile.issuerURL}`);

await clusters.rotateServiceAccountSigningKeys('sdk', 'sdk');
const { keys } = await (await fetch(`${oidcIssuerProfile.issuerURL}openid/v1/jwks`)).json();
console.log(`rotated  ${keys.length} keys are published`);
