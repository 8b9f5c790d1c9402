-- A store as the version with migrations 0001 to 0003 wrote it: four issuers, by their ids newly born, rotated, with a rotation that waits, and closed.
CREATE TABLE "migrations" ("name" text primary key, "applied_at" bigint not null);
CREATE TABLE "store_state" ("id" bigint not null, "change" bigint not null, "clock" bigint not null, primary key ("id"));
CREATE TABLE "tenants" ("key" text not null, "id" text not null, "display_name" text not null, "created_at" bigint not null, primary key ("key"));
CREATE TABLE "subscriptions" ("key" text not null, "id" text not null, "tenant_key" text not null, "tenant_id" text not null, "display_name" text not null, "created_at" bigint not null, primary key ("key"));
CREATE TABLE "principals" ("key" text not null, "id" text not null, "tenant_id" text not null, "display_name" text not null, "secret_hashes" text not null, "created_at" bigint not null, primary key ("key"));
CREATE TABLE "role_assignments" ("principal_key" text not null, "principal_id" text not null, "role" text not null, "scope_key" text not null, "scope" text not null, primary key ("principal_key", "scope_key", "role"));
CREATE TABLE "resources" ("key" text not null, "id" text not null, "type" text not null, "name" text not null, "tenant_id" text not null, "subscription_id" text not null, "location" text not null, "tags" text not null, "envelope" text not null, "properties" text not null, "issuer_id" text , "version" bigint not null, "created_at" bigint not null, "updated_at" bigint not null, primary key ("key"));
CREATE TABLE "issuers" ("id" text not null, "tenant_id" text not null, "subscription_id" text not null, "cluster_id" text not null, "url" text not null, "path" text not null, "region" text not null, "mode" text not null, "created_at" bigint not null, "deleted_at" bigint , primary key ("id"), unique ("path"));
CREATE TABLE "key_rings" ("issuer_id" text not null, "epoch" bigint not null, "version" bigint not null, "open" bigint not null, "rotate_every" bigint , "gap_seconds" bigint not null, "gap_lowered" text , "gap_floor" bigint , "pending" text , "created_at" bigint not null, "updated_at" bigint not null, "wake_at" bigint , "change" bigint not null, "awaits_confirmation" bigint not null, "documented" bigint not null, rotation_due bigint, primary key ("issuer_id"), unique ("change"));
CREATE TABLE "signing_keys" ("issuer_id" text not null, "kid" text not null, "position" bigint not null, "algorithm" text not null, "public_members" text not null, "origin" text not null, "holder" text not null, "published" bigint not null, "state" text not null, "created_at" bigint not null, "published_in" bigint not null, "published_at" bigint , "activated_at" bigint , "retired_at" bigint , "revoked_at" bigint , "expires_at" bigint , primary key ("issuer_id", "kid"), foreign key ("issuer_id") references "key_rings");
CREATE TABLE "sealed_keys" ("issuer_id" text not null, "kid" text not null, "sealed" blob not null, primary key ("issuer_id", "kid"), foreign key ("issuer_id", "kid") references "signing_keys");
CREATE TABLE "revoked_kids" ("issuer_id" text not null, "kid" text not null, primary key ("issuer_id", "kid"));
CREATE TABLE "key_events" ("issuer_id" text not null, "number" bigint not null, "at" bigint not null, "ring_version" bigint not null, "kind" text not null, "kid" text , "from_state" text , "to_state" text , "cause" text not null, "actor" text not null, "reason" text not null, primary key ("issuer_id", "number"));
CREATE TABLE "operations" ("id" text not null, "tenant_id" text not null, "subscription_id" text not null, "resource_id" text not null, "issuer_id" text , "kind" text not null, "status" text not null, "started_at" bigint not null, "ended_at" bigint , "error" text , "ends_with_change" bigint , "result" text not null, primary key ("id"));
CREATE TABLE "requests" ("key" text not null, "operation_id" text not null, "at" bigint not null, primary key ("key"));
CREATE TABLE "issued_tokens" ("issuer_id" text not null, "jti" text not null, "kid" text not null, "subject" text not null, "audiences" text not null, "issued_at" bigint not null, "expires_at" bigint not null, primary key ("issuer_id", "jti"));
CREATE TABLE "publishers" ("name" text not null, "change" bigint not null, "at" bigint not null, primary key ("name"));
CREATE TABLE "server_keys" ("purpose" text not null, "kid" text not null, "public_jwk" text not null, "sealed" blob not null, "created_at" bigint not null, primary key ("purpose", "kid"));
CREATE TABLE "settings" ("name" text not null, "value" text not null, primary key ("name"));
CREATE INDEX "subscriptions_0" on "subscriptions" ("tenant_key") ;
CREATE INDEX "resources_1" on "resources" ("type", "key") ;
CREATE INDEX "resources_2" on "resources" ("type", "key", "issuer_id") where issuer_id is not null;
CREATE INDEX "key_rings_3" on "key_rings" ("wake_at", "issuer_id") where wake_at is not null;
CREATE INDEX "key_rings_4" on "key_rings" ("change", "issuer_id") where awaits_confirmation = 1;
CREATE INDEX "key_rings_5" on "key_rings" ("issuer_id", "documented") where documented = 1;
CREATE INDEX "key_rings_6" on "key_rings" ("gap_seconds", "open") where open = 1;
CREATE INDEX "operations_7" on "operations" ("ends_with_change", "id") where status = 'InProgress';
CREATE INDEX "operations_8" on "operations" ("ended_at") where ended_at is not null;
CREATE INDEX "requests_9" on "requests" ("at") ;
CREATE INDEX "issued_tokens_10" on "issued_tokens" ("issuer_id", "expires_at", "kid") ;
CREATE INDEX "issued_tokens_11" on "issued_tokens" ("expires_at") ;
CREATE INDEX principals_of_tenant on principals (lower(tenant_id), key);
CREATE INDEX role_assignments_at_scope on role_assignments (scope_key, principal_key, role);
CREATE INDEX key_rings_rotation_due on key_rings (rotation_due, issuer_id) where rotation_due is not null;
CREATE INDEX signing_keys_state_created on signing_keys (state, created_at);
insert into key_rings (issuer_id, epoch, version, open, rotate_every, gap_seconds, gap_lowered, gap_floor, pending, created_at, updated_at, wake_at, change, awaits_confirmation, documented, rotation_due) values
  ('waiting', 7, 4, 1, 2592000, 600, null, null, '{"operationId":"operation","requestedAt":1767225620000,"requestedBy":"principal:ada"}', 1767225600000, 1767225620000, 1767226210000, 9, 0, 1, 1769891484000),
  ('rotated', 7, 2, 1, 2592000, 600, null, null, null, 1767225600000, 1767225610000, null, 6, 1, 1, 1769891484000),
  ('closed', 7, 3, 0, 2592000, 600, null, null, null, 1767225600000, 1767225620000, null, 10, 0, 1, null),
  ('born', 7, 1, 1, 2592000, 600, null, null, null, 1767225600000, 1767225600000, null, 4, 0, 1, 1769891474000);
insert into signing_keys (issuer_id, kid, position, algorithm, public_members, origin, holder, published, state, created_at, published_in, published_at, activated_at, retired_at, revoked_at, expires_at) values
  ('waiting', 'key1', 0, 'RS256', '{"n":"lMP6AFDAbi4hMBlMe9oDZKUkIXjfuIO4oqZvV7VNjBA","e":"AQAB"}', 'generated', 'server', 1, 'revoked', 1767225600000, 1, 1767225600000, 1767225600000, 1767225610000, 1767225620000, 1767312310000),
  ('waiting', 'key2', 1, 'RS256', '{"n":"Su2JKbfCo6pYx0O0gdSptpwu6Nk5Dayk3uTf8pT0zCo","e":"AQAB"}', 'generated', 'server', 1, 'active', 1767225600000, 1, 1767225600000, 1767225610000, null, null, null),
  ('rotated', 'key1', 0, 'RS256', '{"n":"lMP6AFDAbi4hMBlMe9oDZKUkIXjfuIO4oqZvV7VNjBA","e":"AQAB"}', 'generated', 'server', 1, 'retired', 1767225600000, 1, 1767225600000, 1767225600000, 1767225610000, null, 1767312310000),
  ('rotated', 'key2', 1, 'RS256', '{"n":"Su2JKbfCo6pYx0O0gdSptpwu6Nk5Dayk3uTf8pT0zCo","e":"AQAB"}', 'generated', 'server', 1, 'active', 1767225600000, 1, 1767225600000, 1767225610000, null, null, null),
  ('closed', 'key1', 0, 'RS256', '{"n":"lMP6AFDAbi4hMBlMe9oDZKUkIXjfuIO4oqZvV7VNjBA","e":"AQAB"}', 'generated', 'server', 1, 'retired', 1767225600000, 1, 1767225600000, 1767225600000, 1767225610000, null, 1767312310000),
  ('closed', 'key2', 1, 'RS256', '{"n":"Su2JKbfCo6pYx0O0gdSptpwu6Nk5Dayk3uTf8pT0zCo","e":"AQAB"}', 'generated', 'server', 1, 'retired', 1767225600000, 1, 1767225600000, 1767225610000, 1767225620000, null, 1767312320000),
  ('born', 'key1', 0, 'RS256', '{"n":"lMP6AFDAbi4hMBlMe9oDZKUkIXjfuIO4oqZvV7VNjBA","e":"AQAB"}', 'generated', 'server', 1, 'active', 1767225600000, 1, 1767225600000, 1767225600000, null, null, null),
  ('born', 'key2', 1, 'RS256', '{"n":"Su2JKbfCo6pYx0O0gdSptpwu6Nk5Dayk3uTf8pT0zCo","e":"AQAB"}', 'generated', 'server', 1, 'prepared', 1767225600000, 1, 1767225600000, null, null, null, null),
  ('waiting', 'key3', 2, 'RS256', '{"n":"qhlKTKIGiO2Ga5ZY8BK4yqFri5Z2OoI-rwcFU2UWIhE","e":"AQAB"}', 'generated', 'server', 1, 'prepared', 1767225610000, 2, 1767225610000, null, null, null, null),
  ('rotated', 'key3', 2, 'RS256', '{"n":"qhlKTKIGiO2Ga5ZY8BK4yqFri5Z2OoI-rwcFU2UWIhE","e":"AQAB"}', 'generated', 'server', 1, 'prepared', 1767225610000, 2, null, null, null, null, null),
  ('closed', 'key3', 2, 'RS256', '{"n":"qhlKTKIGiO2Ga5ZY8BK4yqFri5Z2OoI-rwcFU2UWIhE","e":"AQAB"}', 'generated', 'server', 1, 'revoked', 1767225610000, 2, null, null, null, 1767225620000, 1767312320000);
insert into migrations (name, applied_at) values
  ('0001-first', 1767225600000),
  ('0002-people', 1767225600000),
  ('0003-statistics', 1767225600000);
insert into store_state (id, change, clock) values
  (1, 10, 1767225620000);
insert into issuers (id, tenant_id, subscription_id, cluster_id, url, path, region, mode, created_at, deleted_at) values
  ('waiting', 'Tenant', 'Sub', '/subscriptions/sub/waiting', 'https://eastus.oic.example.com/Tenant/waiting/', '/Tenant/waiting/', 'eastus', 'managed', 1767225600000, null),
  ('rotated', 'Tenant', 'Sub', '/subscriptions/sub/rotated', 'https://eastus.oic.example.com/Tenant/rotated/', '/Tenant/rotated/', 'eastus', 'managed', 1767225600000, null),
  ('closed', 'Tenant', 'Sub', '/subscriptions/sub/closed', 'https://eastus.oic.example.com/Tenant/closed/', '/Tenant/closed/', 'eastus', 'managed', 1767225600000, null),
  ('born', 'Tenant', 'Sub', '/subscriptions/sub/born', 'https://eastus.oic.example.com/Tenant/born/', '/Tenant/born/', 'eastus', 'managed', 1767225600000, null);
insert into sealed_keys (issuer_id, kid, sealed) values
  ('waiting', 'key2', x'7365616c6564206b657932'),
  ('rotated', 'key2', x'7365616c6564206b657932'),
  ('born', 'key1', x'7365616c6564206b657931'),
  ('born', 'key2', x'7365616c6564206b657932'),
  ('waiting', 'key3', x'7365616c6564206b657933'),
  ('rotated', 'key3', x'7365616c6564206b657933');
insert into revoked_kids (issuer_id, kid) values
  ('waiting', 'key1'),
  ('closed', 'key3');
insert into key_events (issuer_id, number, at, ring_version, kind, kid, from_state, to_state, cause, actor, reason) values
  ('waiting', 1, 1767225600000, 1, 'prepared', 'key1', null, 'prepared', 'birth', 'principal:ada', 'a rotation was asked for'),
  ('waiting', 2, 1767225600000, 1, 'prepared', 'key2', null, 'prepared', 'birth', 'principal:ada', 'a rotation was asked for'),
  ('waiting', 3, 1767225600000, 1, 'activated', 'key1', 'prepared', 'active', 'birth', 'principal:ada', 'a rotation was asked for'),
  ('rotated', 1, 1767225600000, 1, 'prepared', 'key1', null, 'prepared', 'birth', 'principal:ada', 'a rotation was asked for'),
  ('rotated', 2, 1767225600000, 1, 'prepared', 'key2', null, 'prepared', 'birth', 'principal:ada', 'a rotation was asked for'),
  ('rotated', 3, 1767225600000, 1, 'activated', 'key1', 'prepared', 'active', 'birth', 'principal:ada', 'a rotation was asked for'),
  ('closed', 1, 1767225600000, 1, 'prepared', 'key1', null, 'prepared', 'birth', 'principal:ada', 'a rotation was asked for'),
  ('closed', 2, 1767225600000, 1, 'prepared', 'key2', null, 'prepared', 'birth', 'principal:ada', 'a rotation was asked for'),
  ('closed', 3, 1767225600000, 1, 'activated', 'key1', 'prepared', 'active', 'birth', 'principal:ada', 'a rotation was asked for'),
  ('born', 1, 1767225600000, 1, 'prepared', 'key1', null, 'prepared', 'birth', 'principal:ada', 'a rotation was asked for'),
  ('born', 2, 1767225600000, 1, 'prepared', 'key2', null, 'prepared', 'birth', 'principal:ada', 'a rotation was asked for'),
  ('born', 3, 1767225600000, 1, 'activated', 'key1', 'prepared', 'active', 'birth', 'principal:ada', 'a rotation was asked for'),
  ('waiting', 4, 1767225610000, 2, 'rotationRequested', null, null, null, 'manual', 'principal:ada', 'a rotation was asked for'),
  ('waiting', 5, 1767225610000, 2, 'retired', 'key1', 'active', 'retired', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('waiting', 6, 1767225610000, 2, 'activated', 'key2', 'prepared', 'active', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('waiting', 7, 1767225610000, 2, 'prepared', 'key3', null, 'prepared', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('rotated', 4, 1767225610000, 2, 'rotationRequested', null, null, null, 'manual', 'principal:ada', 'a rotation was asked for'),
  ('rotated', 5, 1767225610000, 2, 'retired', 'key1', 'active', 'retired', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('rotated', 6, 1767225610000, 2, 'activated', 'key2', 'prepared', 'active', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('rotated', 7, 1767225610000, 2, 'prepared', 'key3', null, 'prepared', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('closed', 4, 1767225610000, 2, 'rotationRequested', null, null, null, 'manual', 'principal:ada', 'a rotation was asked for'),
  ('closed', 5, 1767225610000, 2, 'retired', 'key1', 'active', 'retired', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('closed', 6, 1767225610000, 2, 'activated', 'key2', 'prepared', 'active', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('closed', 7, 1767225610000, 2, 'prepared', 'key3', null, 'prepared', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('waiting', 8, 1767225610000, 3, 'published', 'key3', 'prepared', 'prepared', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('waiting', 9, 1767225620000, 4, 'rotationRequested', null, null, null, 'manual', 'principal:ada', 'a rotation was asked for'),
  ('waiting', 10, 1767225620000, 4, 'revoked', 'key1', 'retired', 'revoked', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('closed', 8, 1767225620000, 3, 'revoked', 'key3', 'prepared', 'revoked', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('closed', 9, 1767225620000, 3, 'retired', 'key2', 'active', 'retired', 'manual', 'principal:ada', 'a rotation was asked for'),
  ('closed', 10, 1767225620000, 3, 'closed', null, null, null, 'manual', 'principal:ada', 'a rotation was asked for');
