/**
 * What came back over one connection, read strictly as HTTP/1.1 replies (RFC 9112), and what must be true of each.
 *
 * Owns: the reading, which forgives nothing, and the forms in which each listener may answer. Leaves to the storm what
 * was sent.
 */
export type ListenerName = 'management' | 'issuer' | 'metrics' | 'signers';

export interface WireReply {
  readonly status: number;
  /** Names in lower case, in the order of the wire. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export interface Received {
  readonly replies: readonly WireReply[];
  /** Why the bytes are not whole replies; null when they are. */
  readonly fault: string | null;
  /** Whether they end in the middle of a reply. */
  readonly cut: boolean;
}

const HEAD = /^HTTP\/1\.1 (\d{3}) ([\x20-\x7e]*)$/;
/** A token, and a value without control characters. */
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e\x80-\xff]*)$/;

/** Bytes as latin1. `mayLackBodies`: a HEAD was among the requests, whose reply has a length and no body. */
export function readReplies(bytes: string, mayLackBodies: boolean): Received {
  const replies: WireReply[] = [];
  for (let rest = bytes; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) return { replies, fault: HEAD_BEGINS.test(rest) ? null : 'what follows is no reply', cut: true };
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n');
    const [, status] = HEAD.exec(first) ?? [];
    const fields = lines.map((line) => FIELD.exec(line));
    if (status === undefined || fields.includes(null)) return { replies, fault: `a malformed head: ${JSON.stringify(rest.slice(0, 300))}`, cut: false };
    const headers = fields.map((match) => [match![1]!.toLowerCase(), match![2]!] as const);
    const body = bodyOf(Number(status), headers, rest.slice(end + 4), mayLackBodies);
    if (typeof body === 'string') return { replies, fault: body, cut: body === CUT };
    replies.push({ status: Number(status), headers, body: body.text });
    rest = rest.slice(end + 4 + body.length);
  }
  return { replies, fault: null, cut: false };
}

const HEAD_BEGINS = /^(H(T(T(P(\/1?)?)?)?)?|HTTP\/1\.1[^]*)$/;
const CUT = 'a body that is not whole';

type Headers = WireReply['headers'];
const all = (headers: Headers, name: string): readonly string[] => headers.filter(([one]) => one === name).map(([, value]) => value);

/** The body and its length on the wire; or what is wrong. */
function bodyOf(status: number, headers: Headers, rest: string, mayLackBodies: boolean): { readonly text: string; readonly length: number } | string {
  const [lengths, codings] = [all(headers, 'content-length'), all(headers, 'transfer-encoding')];
  if (lengths.length + codings.length > 1) return 'a body whose length is told twice';
  if (status < 200 || status === 204 || status === 304) return { text: '', length: 0 };
  if (mayLackBodies && (rest === '' || rest.startsWith('HTTP/1.1 '))) return { text: '', length: 0 };
  if (codings[0] === 'chunked') return chunked(rest);
  const [length] = lengths;
  if (length === undefined) return all(headers, 'connection').includes('close') ? { text: rest, length: rest.length } : 'a body without a length on a connection that stays';
  if (!/^\d+$/.test(length)) return `a Content-Length of '${length}'`;
  return rest.length < Number(length) ? CUT : { text: rest.slice(0, Number(length)), length: Number(length) };
}

function chunked(rest: string): { readonly text: string; readonly length: number } | string {
  let [text, at] = ['', 0];
  for (;;) {
    const [line, digits] = /^([\da-fA-F]+)\r\n/.exec(rest.slice(at, at + 20)) ?? [];
    if (line === undefined || digits === undefined) return rest.length - at < 20 ? CUT : 'a malformed chunk';
    const size = Number.parseInt(digits, 16);
    at += line.length;
    if (rest.length < at + size + 2) return CUT;
    text += rest.slice(at, at + size);
    if (rest.slice(at + size, at + size + 2) !== '\r\n') return 'a chunk that does not end where it should';
    at += size + 2;
    if (size === 0) return { text, length: at };
  }
}

/** Node's own refusals of what is no HTTP, on listeners without words of their own for it. */
const WORDLESS = new Set([400, 408, 413, 414, 417, 431]);
const INSIDE = /node:internal|\bat (async )?[\w.<>]+ \(|\/(src|dist|node_modules)\/|file:\/\//;

/** What is wrong with a reply, whatever was asked; null when nothing is. */
export function replyFault(listener: ListenerName, { status, headers, body }: WireReply): string | null {
  const [type = ''] = all(headers, 'content-type');
  const faults: readonly (readonly [boolean, string])[] = [
    [status >= 500, 'a failure of the server'],
    [status < 100 || (status > 100 && status < 200) || (status >= 300 && status < 400 && status !== 304), 'a status that is never given'],
    [headers.some(([name]) => name === 'x-injected' || name === 'set-cookie' || name === 'server'), 'a header that is never sent'],
    [new Set(SINGLE.filter((name) => all(headers, name).length > 1)).size > 0, 'a header sent twice'],
    [INSIDE.test(body), "the program's inside"],
    [listener === 'management' && status >= 200 && all(headers, 'x-ms-request-id').length !== 1, 'no request id'],
    [status >= 400 && body !== '' && !FORMS[listener](type, body), 'an error in another form than is documented'],
    [status >= 400 && body === '' && listener !== 'management' && !WORDLESS.has(status) && headers.every(([name]) => name !== 'content-length'), 'an error without words'],
  ];
  return faults.find(([is]) => is)?.[1] ?? null;
}

const SINGLE = ['content-type', 'content-length', 'x-ms-request-id', 'x-ms-client-request-id', 'etag', 'cache-control', 'location', 'date'] as const;

const FORMS: Readonly<Record<ListenerName, (type: string, body: string) => boolean>> = {
  management: (type, body) => /^application\/json(; charset=utf-8)?$/.test(type) && (isArmError(body) || isOAuthError(body)),
  issuer: (type, body) => type === 'application/json' && isOAuthError(body),
  metrics: (type) => type === 'text/plain; charset=utf-8',
  signers: (type, body) => /^application\/json(; charset=utf-8)?$/.test(type) && isArmError(body),
};

function parsed(body: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(body, 'latin1').toString('utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function isArmError(body: string): boolean {
  const { error } = parsed(body) as { error?: { code?: unknown; message?: unknown } };
  return typeof error === 'object' && typeof error.code === 'string' && typeof error.message === 'string' && error.message !== '';
}

function isOAuthError(body: string): boolean {
  const { error, error_description: description } = parsed(body);
  return typeof error === 'string' && typeof description === 'string';
}
