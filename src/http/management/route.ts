/**
 * A route of the management API as a row of a table: what it is, who may use it, what goes in and out.
 *
 * Owns the types of such rows and what a handler is given. Leaves to `register.ts` how rows become Fastify's routes, to
 * `guard.ts` who may pass. Handlers know nothing of Fastify: a question goes in, an answer comes out.
 */
import type { z } from 'zod';
import type { Action, Subscription, Tenant } from '../../domain/principal.ts';
import type { Precondition } from '../../domain/resource.ts';
import type { Caller } from '../../service/caller.ts';

export type Method = 'GET' | 'HEAD' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';

/**
 * Who may use a route. `public`: everybody. `principal`: who is logged in. Otherwise who has a role that allows the action
 * on what the path names; `any part` of a subscription means a role in it, above it, or anywhere below it. What is `of a
 * tenant` need not be of the caller's own; for `any part of a tenant` a role in it or for the server is enough to come
 * to the service, which asks for more.
 */
export type RouteAccess = 'public' | 'principal' | AccessInSubscription | AccessInTenant;

interface AccessInSubscription {
  readonly action: Action;
  readonly on: 'any part' | 'subscription' | 'resource group' | 'managed cluster' | 'managed identity';
}

export interface AccessInTenant {
  readonly action: Action;
  readonly on: 'server' | 'tenant' | 'subscription of a tenant' | 'any part of a tenant';
}

type ParamNames<Url extends string> = Url extends `${string}:${infer Name}/${infer Rest}` ? Name | ParamNames<`/${Rest}`> : Url extends `${string}:${infer Name}` ? Name : never;

/** What a handler is given. */
export interface Asked<Url extends string = string, Body = unknown, Query = unknown> {
  /** Who asks; for public routes nobody in particular. */
  readonly caller: Caller;
  /** The subscription of the path, which is of the caller's tenant. */
  readonly subscription: Subscription;
  /** The resource in the subscription that a role was needed on, as the caller spells it; empty where it was on none. */
  readonly scope: string;
  /** The tenant of the path, which the caller can see. */
  readonly tenant: Tenant;
  /** Names in the path as the caller spells them. */
  readonly params: Readonly<Record<ParamNames<Url>, string>>;
  readonly body: Body;
  readonly query: Query;
  readonly precondition: Precondition;
  /** The path, in the spelling of the route, percent-encoded. */
  readonly path: string;
  /** The whole query, for links to the next page. */
  readonly search: URLSearchParams;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sentences for people, sent as `Warning` headers. */
  readonly warnings?: readonly string[];
}

export interface Route {
  readonly method: Method;
  readonly url: string;
  readonly access: RouteAccess;
  /** One line for the OpenAPI document. */
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly query?: z.ZodType;
  /** Status → schema of the body; null where there is none. */
  readonly replies: Readonly<Record<number, z.ZodType | null>>;
  handle(asked: Asked): Promise<Answer>;
}

type TypedRoute<Url extends string, Body extends z.ZodType, Query extends z.ZodType> = Omit<Route, 'url' | 'body' | 'query' | 'handle'> & {
  readonly url: Url;
  readonly body?: Body;
  readonly query?: Query;
  handle(asked: Asked<Url, z.output<Body>, z.output<Query>>): Promise<Answer>;
};

/** A row whose handler gets the parameters, body and query that the row declares. */
export const route = <const Url extends string, Body extends z.ZodType = z.ZodNull, Query extends z.ZodType = z.ZodNull>(row: TypedRoute<Url, Body, Query>): Route => row as unknown as Route;
