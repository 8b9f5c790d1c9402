/**
 * Replies held against the OpenAPI document that the server itself serves: status, media type, body. Members that the
 * document does not have are refused where it says that there are no others.
 *
 * Gets the document; gives one judge of replies. Leaves to the tests what a reply should have said.
 */
import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

type Schema = Readonly<Record<string, unknown>>;
interface Documented {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}
interface OperationObject {
  readonly responses: Readonly<Record<string, Documented>>;
}

/** What of an OpenAPI 3.1 document is needed to judge replies. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
}

export interface SeenReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | number | undefined>>;
  readonly text: string;
}

/** Names in a path that are longer come to no route. */
const LONGEST_NAME = 1024;

export class ReplyContract {
  readonly #paths: readonly (readonly [RegExp, Readonly<Record<string, OperationObject>>])[];
  readonly #ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
  readonly #compiled = new Map<Schema, ValidateFunction>();
  readonly #error: Documented;

  constructor({ paths }: OpenApiDocument) {
    addFormats.default(this.#ajv);
    const patternOf = (template: string): RegExp => new RegExp(`^${template.split('/').map((part) => (part.startsWith('{') ? '[^/]+' : part.replaceAll('.', '[.]'))).join('/+')}/*$`, 'i');
    this.#paths = Object.entries(paths).map(([template, methods]) => [patternOf(template), methods] as const);
    this.#error = paths['/subscriptions']!['get']!.responses['default']!;
  }

  /** @throws AssertionError saying in what the reply is not what the document says. `target` is the path, with or without a query. */
  assertValid(method: string, target: string, reply: SeenReply): void {
    const what = `${method} ${target.slice(0, 200)} → ${reply.status}`;
    const documented = this.#documented(method, target, reply.status);
    assert.ok(documented !== undefined, `${what}: the status is not documented`);
    assert.match(String(reply.headers['x-ms-request-id']), /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/, `${what}: x-ms-request-id`);
    if (reply.status === 405) assert.match(String(reply.headers['allow']), /^[A-Z]+(, [A-Z]+)*$/, `${what}: Allow`);
    if (method === 'HEAD' || documented.content === undefined) return assert.equal(reply.text, '', `${what}: no body is documented`);
    assert.match(String(reply.headers['content-type']), /^application\/json(; charset=utf-8)?$/, `${what}: Content-Type`);
    const validate = this.#validatorOf(documented.content['application/json']!.schema);
    assert.ok(validate(JSON.parse(reply.text)), `${what}: ${this.#ajv.errorsText(validate.errors)} in ${reply.text.slice(0, 500)}`);
  }

  /** The response object for a status; undefined where there is none. Success has to be documented by its own status. */
  #documented(method: string, target: string, status: number): Documented | undefined {
    const operations = this.#operationsAt(target.split('?', 1)[0]!);
    const responses = (operations?.[method.toLowerCase()] ?? Object.values(operations ?? {})[0])?.responses;
    if (status >= 400) return responses === undefined ? this.#error : (responses[String(status)] ?? responses['default']);
    return operations?.[method.toLowerCase()] === undefined ? undefined : responses![String(status)];
  }

  #operationsAt(path: string): Readonly<Record<string, OperationObject>> | undefined {
    const names = path.split('/').map((name) => (URL.canParse(`http://h/${name}`) ? decoded(name) : null));
    if (names.some((name) => name === null || name.length > LONGEST_NAME)) return undefined;
    return this.#paths.find(([pattern]) => pattern.test(path))?.[1];
  }

  #validatorOf(schema: Schema): ValidateFunction {
    const validate = this.#compiled.get(schema) ?? this.#ajv.compile(schema);
    this.#compiled.set(schema, validate);
    return validate;
  }
}

function decoded(name: string): string | null {
  try {
    return decodeURIComponent(name);
  } catch {
    return null;
  }
}
