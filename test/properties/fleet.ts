/** The signers of a world and what they signed; and what is promised of them. */
import assert from 'node:assert/strict';
import { keysIn, publishedKeys } from '../../src/domain/key-ring.ts';
import type { SignerMode, SignerRecord } from '../../src/domain/signer.ts';
import { type Habit, ModelSigner, type SignerServer } from './model-signer.ts';
import type { Token, World } from './world.ts';

/** The longest life of a token, and by how much `iat` may be off, in seconds (rule 6). */
const LIFE = 86_400;
const OFF = 60;

export class Fleet {
  readonly signers: ModelSigner[] = [];
  /** Signers that an operator has written off or deleted, or had replaced by name, and that do not sign with what they were given since: nothing is promised of their tokens. */
  readonly outcasts = new Set<string>();
  /** The habit of the next signer. */
  habit: Habit | null = null;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async enrol(mode: SignerMode, leaseSeconds: number | null): Promise<void> {
    const { store, signers } = this.#world;
    const id = `signer${this.signers.length + 1}`;
    // An API server that signs with key files can not be stopped by a lease.
    const lease = mode === 'keyFiles' ? null : leaseSeconds;
    await store.write((tx) => signers.enrol(tx, this.#world.issuerId, { id, name: id, mode, assertionJwk: {}, encryptionJwk: {}, leaseSeconds: lease, createdBy: 'principal:ada' }));
    this.signers.push(new ModelSigner(id, mode, this.#server(), this.habit));
  }

  /** Another machine takes the name of a signer, by a credential that says so. */
  async takeOver(former: ModelSigner): Promise<void> {
    await this.enrol(former.mode, (await this.#record(former)).leaseSeconds);
    await this.#world.store.write((tx) => this.#world.signers.replace(tx, former.id));
  }

  async writeOff(signer: ModelSigner): Promise<void> {
    const record = await this.#record(signer);
    if (record.writtenOffAt === null) this.outcasts.add(signer.id);
    await this.#world.store.write((tx) => this.#world.signers.writeOff(tx, signer.id));
  }

  async remove(signer: ModelSigner): Promise<void> {
    this.outcasts.add(signer.id);
    await this.#world.store.write((tx) => this.#world.signers.remove(tx, signer.id));
  }

  /** A token of at most a day by the clock of the API server, which is the signer's. Nothing when it is refused. */
  async sign(signer: ModelSigner, expirationSeconds: number): Promise<void> {
    const kid = signer.signsWith();
    if (kid === null || !(await this.#isPromised(signer))) return;
    this.#world.tokens.push({ kid, claims: { exp: Math.floor(signer.now / 1000) + Math.min(expirationSeconds, LIFE) + OFF } });
  }

  /** Everyone who is enrolled verifies every token that has not ended by its clock; and nobody has a private half that is not written down. */
  async assertTokensVerify(tokens: readonly Token[]): Promise<void> {
    const ring = await this.#world.ring();
    const published = new Set(publishedKeys(ring, this.#world.storeTime()).map(({ kid }) => kid));
    const tooSoon = new Set(keysIn(ring, 'revoked').map(({ kid }) => kid).filter((kid) => this.#world.named.has(kid)));
    for (const signer of this.signers) {
      const record = await this.#record(signer);
      if (record.writtenOffAt !== null && record.replacedAt !== null) this.outcasts.add(signer.id);
      for (const kid of signer.privateKids) assert.ok(!published.has(kid) || record.kids.includes(kid), `${signer.id} has the private half of ${kid}, which its record does not say`);
      if (record.writtenOffAt !== null || (signer.apiServer?.version ?? 0) < record.enrolledIn || !(await this.#isPromised(signer))) continue;
      assert.ok(!tooSoon.has(signer.signsWith() ?? ''), `${signer.id} signs with a key that a rotation by hand has revoked`);
      for (const { kid, claims } of tokens) assert.ok(claims.exp * 1000 <= signer.now || signer.verifies(kid), `the API server beside ${signer.id} refuses a token of ${kid} that ends at ${claims.exp}, at ${signer.now / 1000}`);
    }
  }

  /** Everyone is back and up to date, but for those that were deleted. */
  async comeBack(): Promise<void> {
    for (const signer of this.signers) {
      signer.connected = true;
      signer.refuses = false;
      if (!signer.running) signer.start();
      await signer.poll('none');
      signer.restartApiServer();
      await signer.acknowledge();
    }
  }

  /** Whether the signer is bound to what it was given: it was never cast out, or it has what it was given since it came back. */
  async #isPromised(signer: ModelSigner): Promise<boolean> {
    if (!this.outcasts.has(signer.id)) return true;
    const { writtenOffAt, enrolledIn } = await this.#record(signer);
    const isBack = writtenOffAt === null && (signer.signing?.version ?? 0) >= enrolledIn;
    if (isBack) this.outcasts.delete(signer.id);
    return isBack;
  }

  async #record(signer: ModelSigner): Promise<SignerRecord> {
    const record = await this.#world.store.read((tx) => tx.signer(signer.id));
    assert.ok(record);
    return record;
  }

  #server(): SignerServer {
    const world = this.#world;
    return {
      get time() {
        return world.time;
      },
      contact: (id) => world.store.write((tx) => world.signers.contact(tx, id, null)),
      look: (id) => world.store.write((tx) => world.signers.look(tx, id, null)),
      acknowledge: (id, said) => world.store.write(async (tx) => void (await world.signers.acknowledge(tx, id, said))),
    };
  }
}
