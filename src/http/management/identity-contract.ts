/** The wire form of managed identities, their federated credentials and roles as resources; beside `contract.ts`, with the same rules. */
import { z } from 'zod';
import { envelope, orNull, role, tags } from './contract.ts';

const text = orNull(z.string().max(2048)).optional();

/** `principalId` and `clientId` are the server's. */
export const identityRequest = z.object({
  location: orNull(z.string().max(80)).optional(),
  tags: orNull(tags).optional(),
  properties: orNull(z.object({ accountEnabled: orNull(z.boolean()).optional() })).optional(),
});
export const identity = z.object({
  ...envelope, location: z.string(), tags,
  properties: z.object({ tenantId: z.string(), principalId: z.string(), clientId: z.string(), /** False: nobody can log in as it. */ accountEnabled: z.boolean() }),
});
export type IdentityBody = z.infer<typeof identity>;

export const federatedCredentialRequest = z.object({ properties: z.object({ issuer: text, subject: text, audiences: orNull(z.array(z.string().max(2048)).max(20)).optional() }) });
export const federatedCredential = z.object({ ...envelope, properties: z.object({ issuer: z.string(), subject: z.string(), audiences: z.array(z.string()) }) });
export type FederatedCredentialBody = z.infer<typeof federatedCredential>;

/** A role that is given under a name of its own, as Azure has it. */
export const assignmentRequest = z.object({
  properties: z.object({
    roleDefinitionId: z.string().max(1024), principalId: z.string().max(80), principalType: orNull(z.enum(['ServicePrincipal'])).optional(),
    /** Not supported: a role that held without its condition would be more than was asked for. */
    condition: z.null('is not supported').optional(),
  }),
});
export const assignment = z.object({
  ...envelope,
  properties: z.object({ roleDefinitionId: z.string(), principalId: z.string(), principalType: z.literal('ServicePrincipal'), scope: z.string(), /** Ours. */ roleName: role }),
});
export type AssignmentBody = z.infer<typeof assignment>;

export const roleDefinition = z.object({
  ...envelope,
  properties: z.object({
    roleName: role, type: z.literal('BuiltInRole'), description: z.string(), assignableScopes: z.array(z.string()),
    permissions: z.array(z.object({ actions: z.array(z.string()), notActions: z.array(z.string()), dataActions: z.array(z.string()), notDataActions: z.array(z.string()) })),
  }),
});
