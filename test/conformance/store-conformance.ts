/**
 * What every back end of the store has to do: one call registers the whole suite.
 *
 * The parts are tables and stories about one concern each; `fixtures.ts` has what they store.
 */
import { describe } from 'node:test';
import type { OpenStore } from './fixtures.ts';
import { keyRingTests } from './key-rings.ts';
import { publicationTests } from './publication.ts';
import { recordTests } from './records.ts';
import { resourceTests } from './resources.ts';
import { signerTests } from './signers.ts';
import { statisticsTests } from './statistics.ts';
import { transactionTests } from './transactions.ts';

export function storeConformance(name: string, openStore: OpenStore): void {
  describe(`the ${name} store`, () => {
    describe('transactions', () => transactionTests(openStore));
    describe('accounts, resources, issuers', () => resourceTests(openStore));
    describe('key rings', () => keyRingTests(openStore));
    describe('document changes', () => publicationTests(openStore));
    describe('operations, requests, tokens, keys, settings', () => recordTests(openStore));
    describe('signers', () => signerTests(openStore));
    describe('statistics', () => statisticsTests(openStore));
  });
}
