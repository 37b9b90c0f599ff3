/**
 * What scenarios can do: the module "junctor".
 *
 * A scenario is a function that a message is handed to:
 *
 * ```ts
 * import { http, run, Problem, type Request } from "junctor";
 *
 * export default async function (request: Request) {
 *   const order = request.json<{ number: string; total: number }>();
 *   run.subject(order.number);
 *   if (order.total < 0) throw new Problem({ status: 422, title: "negative total" });
 *   const answer = await http.post("erp", "/orders", { json: order });
 *   return { status: 201, json: answer.json() };
 * }
 * ```
 *
 * Calls that return a promise are steps: each is kept in the run's journal, and
 * when the run is executed again (after a crash, a wait or a failure) finished
 * steps give their kept result instead of being made again. Everything else
 * here is computed on the spot. There is no `fetch`, no `process` and no file
 * system; `Date`, `Math.random` and `crypto.randomUUID` give the same in every
 * execution of one run.
 */
declare module "junctor" {
  // ---------------------------------------------------------------- general

  /**
   * A span of time: milliseconds as a number, or a text of numbers and units:
   * `"200ms"`, `"30s"`, `"5m"`, `"1h30m"`, `"3d"`, `"2w"`.
   */
  export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d" | "w"}` | (string & {});

  /** What JSON can hold. */
  export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };

  /** Text, or bytes as they are. */
  export type Data = string | Uint8Array;

  // ---------------------------------------------------------------- messages

  /** The channel that a message came through, without its tokens. */
  export interface ChannelInfo {
    readonly code: string;
    readonly type: string;
    readonly comment: string;
  }

  /** Who calls a function. */
  export interface AccountInfo {
    readonly id: string;
    readonly login: string;
    /** `"admin"`, `"application"` or `"person"`. */
    readonly kind: string;
  }

  /** A certificate that a client has shown, verified by `--tls-client-ca`. */
  export interface ClientCertificate {
    /** As in RFC 2253: `"CN=shop.example.com,O=Shop"`. */
    readonly subject: string;
    readonly issuer: string;
    /** In lower-case hexadecimal digits, two for each byte. */
    readonly serial: string;
    /** SHA-256 of the whole certificate, in lower-case hexadecimal digits. */
    readonly sha256: string;
    /** Its end, RFC 3339 in UTC. */
    readonly not_after: string;
  }

  /** A message of a channel, as it came, or a function's call. */
  export interface Request<Params = any> {
    /** The channel that a message came by. Of a function's call it is `undefined`. */
    readonly channel: ChannelInfo;
    /** The code of the function that was called; `undefined` for a message. */
    readonly function: string | undefined;
    /**
     * The parameters of a function's call, which fit the scenario's `params`;
     * `undefined` for a message.
     */
    readonly params: Params;
    /** Who called the function; `undefined` for a message. */
    readonly account: AccountInfo | undefined;
    /** In upper case: `"POST"`. */
    readonly method: string;
    /** The whole URL; tokens in it are blanked. */
    readonly url: string;
    /** What follows the token: `""` or `"/some/path"`. */
    readonly path: string;
    /** Query parameters; of a repeated one the first value. */
    readonly query: { readonly [name: string]: string | undefined };
    /** Query parameters with all their values. */
    readonly queryAll: { readonly [name: string]: readonly string[] | undefined };
    /** Headers by their name in lower case; repeated ones joined by `", "`. */
    readonly headers: { readonly [name: string]: string | undefined };
    /** A header by its name in any case. */
    header(name: string): string | undefined;
    /** Every value of a header, in order. */
    headerValues(name: string): string[];
    /** The content as bytes. Each access makes a new array: keep it in a variable. */
    readonly body: Uint8Array;
    /** The content as text: UTF-8, or the encoding that the Content-Type names; of XML also the one that it says itself. */
    text(): string;
    /** The content as JSON. Throws a `Problem` with status 400 when it is none. */
    json<T = any>(): T;
    /**
     * The fields of a form, `application/x-www-form-urlencoded` or
     * `multipart/form-data`; of a repeated one the first value, and no files.
     * Throws a `Problem` with status 400 when the parts are broken.
     */
    form(): Record<string, string | undefined>;
    /** The parts of a `multipart` content, at most 1,000. Throws a `Problem` with status 400 when it is none. */
    parts(): RequestPart[];
    /**
     * The content as XML, see `xml.parse`, in the encoding of its byte order mark,
     * else of the Content-Type, else of the XML declaration, else UTF-8. Throws a
     * `Problem` with status 400 when it is none.
     */
    xml<T = any>(options?: XmlParseOptions): T;
    /** The content as rows, see `csv.parse`. Throws a `Problem` with status 400 when it is none. */
    csv(options: CsvParseOptions & { header: false; columns?: undefined }): string[][];
    csv<Column extends string = string>(options?: CsvParseOptions): Record<Column, string>[];
    /** The sender's address without port; behind trusted proxies the client's. */
    readonly remoteAddress: string;
    /** `"HTTP/1.1"`, `"HTTP/1.0"` or `"HTTP/2.0"`. */
    readonly protocol: string;
    /** The certificate of whoever made the connection; `undefined` when none was shown. */
    readonly clientCertificate: ClientCertificate | undefined;
    /** Test documents and production documents never mix. */
    readonly mode: "test" | "production";
    /** The channel (without tokens). */
    startparam(n: 1): ChannelInfo;
    /** 2: the method, 3: the URL, 4: the content as text, 6: the sender's address, 7: the protocol. */
    startparam(n: 2 | 3 | 4 | 6 | 7): string;
    /** The headers as a list of `[name, value]`. */
    startparam(n: 5): [name: string, value: string][];
  }

  /** A message that came on a websocket of a channel. What the scenario returns is sent back on it. */
  export interface SocketMessage {
    /** The channel that the message came by. */
    readonly channel: ChannelInfo;
    /** The connection's id, for `sockets`: `"con_..."`. */
    readonly connection: string;
    /** The message as it was sent: a text, or bytes. */
    readonly data: string | Uint8Array;
    /** The message as bytes. Each access makes a new array: keep it in a variable. */
    readonly body: Uint8Array;
    /** The message as text. */
    text(): string;
    /** The message as JSON. Throws a `Problem` with status 400 when it is none. */
    json<T = any>(): T;
    /** What follows the token in the address that the connection was opened with: `""` or `"/some/path"`. */
    readonly path: string;
    /** Query parameters of that address; of a repeated one the first value. */
    readonly query: { readonly [name: string]: string | undefined };
    /** The other side's address without port; behind trusted proxies the client's. */
    readonly remoteAddress: string;
    /** The channel's `websocket_role`; `undefined` without one. */
    readonly role: string | undefined;
    /** Test documents and production documents never mix. */
    readonly mode: "test" | "production";
    /** The channel's code. */
    startparam(n: 1): string;
    /** The message as text. */
    startparam(n: 2): string;
  }

  /** A part of a multipart content: a field of a form, or a file. */
  export interface RequestPart {
    /** Of the field, `""` when there is none. */
    readonly name: string;
    /** As the sender wrote it, without folders; `undefined` when the part is no file. Not to be trusted. */
    readonly filename: string | undefined;
    /** The part's Content-Type; `text/plain` when it names none. */
    readonly type: string;
    /** Headers by their name in lower case; repeated ones joined by `", "`. */
    readonly headers: { readonly [name: string]: string | undefined };
    /** A header by its name in any case. */
    header(name: string): string | undefined;
    /** The content as bytes. Each access makes a new array: keep it in a variable. */
    readonly body: Uint8Array;
    /** The content as text: UTF-8, or the encoding that the part's type names. */
    text(): string;
  }

  /**
   * What a scenario returns or hands to `respond`: status, headers and at most
   * one of the contents. Anything else that is returned is data and answered
   * with status 200; `undefined` is an empty 200. What `http` has given is passed
   * on, with its status, content and Content-Type.
   *
   * Text goes out in the charset that a Content-Type of the headers names. What
   * that does not have becomes `\u....` in JSON, `&#...;` in XML and HTML, and
   * `?` elsewhere.
   */
  export interface Answer {
    /** 200 to 599; 200 when absent. */
    status?: number;
    headers?: { [name: string]: string | number | readonly string[] | null | undefined };
    /** Any value: written as JSON, or as the XML or CSV that the caller's Accept wants, unless the headers name a Content-Type. */
    json?: unknown;
    /** `text/plain` unless the headers say otherwise. */
    text?: string;
    /** An object for `xml.stringify`, or XML as text. */
    xml?: string | object;
    /** Text or bytes as they are: `application/octet-stream` unless the headers say otherwise. */
    body?: Data | ArrayBuffer;
  }

  /** The older form of an answer, with the same meaning. */
  export interface ClassicAnswer {
    response_code?: number | string;
    response_content?: Data | ArrayBuffer | object | number | boolean | null;
    /** An object, or the JSON text of one. */
    response_headers?: { [name: string]: string | number | readonly string[] | null | undefined } | string;
  }

  /**
   * Answers the caller now, while the run goes on; of several calls the first
   * counts, and what the function returns later is not sent any more.
   *
   * ```ts
   * respond({ status: 202, json: { accepted: true } });
   * await http.post("erp", "/orders", { json: order });   // the caller does not wait for this
   * ```
   */
  export function respond(answer: Answer | ClassicAnswer | HttpResponse | Json): void;

  // ---------------------------------------------------------------- errors

  /** The members of an RFC 9457 problem; further ones are kept. */
  export interface ProblemDetails {
    /** 400 to 599; 500 when absent. */
    status?: number;
    /** Short, the same for every problem of this kind. */
    title?: string;
    /** What is wrong this time. */
    detail?: string | undefined;
    /** A URI for the kind of problem. */
    type?: string;
    /** The offending places of the input; `pointer` as in RFC 6901. */
    errors?: { pointer: string; detail: string }[];
    [name: string]: unknown;
  }

  /**
   * An answer that says no: the caller gets it as `application/problem+json`.
   * The run has succeeded, and nothing is tried again.
   *
   * ```ts
   * throw new Problem({ status: 422, title: "unknown customer", detail: order.customer });
   * ```
   */
  export class Problem extends Error {
    constructor(problem?: ProblemDetails | RecordError);
    readonly status: number;
    readonly title: string;
    readonly problem: ProblemDetails;
  }

  /** Fails the run for good: nothing is tried again. */
  export class PermanentError extends Error {
    constructor(message?: string, options?: { cause?: unknown });
  }

  /** Thrown in `validate`: the caller gets 401. */
  export class Unauthorized extends Error {
    constructor(message?: string, options?: { cause?: unknown });
  }

  /**
   * An answer of 400 and more, or no answer at all (`status` 0). Not caught, it
   * fails the run: 408, 425, 429, 5xx and network errors are tried again by the
   * channel's retry policy (`Retry-After` is honoured), others fail at once.
   */
  export class HttpError extends Error {
    private constructor();
    /** 0 when there was no answer, or nothing was sent (an open breaker, a rate that is used up). */
    readonly status: number;
    readonly headers: { readonly [name: string]: string | undefined };
    /** Whether trying again cannot help. */
    readonly permanent: boolean;
    text(): string;
    json<T = any>(): T;
  }

  /**
   * A refusal of records: 404 there is no such record, 409 another one has the
   * same key, 412 another version than was given, 422 the columns are not valid
   * or a rule has refused them, 428 the class demands a version. What is wrong
   * with the columns is in `errors`. `throw new Problem(error)` passes it on.
   */
  export class RecordError extends Error {
    private constructor();
    readonly status: number;
    readonly title: string;
    readonly detail: string | undefined;
    readonly errors: { pointer: string; detail: string }[];
    /** A URI for the kind of problem. */
    readonly type: string;
    /** Whether trying again cannot help. */
    readonly permanent: boolean;
  }

  // ---------------------------------------------------------------- http

  export interface HttpOptions {
    /** Any value, sent as JSON. At most one of json, text, body, form, xml. */
    json?: unknown;
    /**
     * Sent as `text/plain; charset=utf-8`. A Content-Type in `headers` takes its
     * place, and a text is sent in the charset that it names: `windows-1250`,
     * `iso-8859-2` and all others of `encoding`.
     */
    text?: string;
    /** Sent as it is, without a Content-Type of its own. */
    body?: Data | ArrayBuffer;
    /** Sent as `application/x-www-form-urlencoded`. */
    form?: Record<string, string> | readonly (readonly [string, string])[] | string;
    /** An object for `xml.stringify`, or XML as text. */
    xml?: string | object;
    /** Added to the URL's query. */
    query?: Record<string, string> | readonly (readonly [string, string])[] | string;
    /** Replace those of the connection, but for its credentials. */
    headers?: Record<string, string | number>;
    /** Of the whole request; the connection's (30 s) when absent. */
    timeout?: Duration;
    /** `false`: an answer of 400 and more is returned instead of thrown. */
    throw?: boolean;
  }

  /** An answer, complete: at most 10 MiB, or the connection's `response_limit`. */
  export interface HttpResponse {
    readonly status: number;
    /** Whether the status is below 400. */
    readonly ok: boolean;
    /** By name in lower case; repeated ones joined by `", "`. */
    readonly headers: { readonly [name: string]: string | undefined };
    /** A header by its name in any case. */
    header(name: string): string | undefined;
    /** Each access makes a new array: keep it in a variable. */
    readonly body: Uint8Array;
    /** In the charset that the Content-Type names, else UTF-8. */
    text(): string;
    json<T = any>(): T;
    /** Without a charset, bytes that are not UTF-8 are what the document declares. */
    xml<T = any>(options?: XmlParseOptions): T;
  }

  /** Requests that all go to one place; `path` is joined to its URL. */
  export interface HttpTarget {
    get(path?: string, options?: HttpOptions): Promise<HttpResponse>;
    post(path?: string, options?: HttpOptions): Promise<HttpResponse>;
    put(path?: string, options?: HttpOptions): Promise<HttpResponse>;
    patch(path?: string, options?: HttpOptions): Promise<HttpResponse>;
    delete(path?: string, options?: HttpOptions): Promise<HttpResponse>;
    head(path?: string, options?: HttpOptions): Promise<HttpResponse>;
    options(path?: string, options?: HttpOptions): Promise<HttpResponse>;
    request(method: string, path?: string, options?: HttpOptions): Promise<HttpResponse>;
  }

  /** The code of an HTTP connection, or the channel's own way out. */
  export type HttpDestination = string | ChannelExternal;

  /**
   * HTTP requests. The first argument names a connection of the configuration,
   * which has the base URL and the credentials; the path is joined to that URL
   * and cannot leave it. It may end in `?query`.
   *
   * Every request carries `Idempotency-Key: RUN.SEQ`, the same on every try, so
   * that the receiver can recognise a repetition. Redirects are followed for GET
   * and HEAD within the same host.
   *
   * ```ts
   * const found = await http.get("erp", "/customers", { query: { code: "C1" } });
   * const saved = await http.post("erp", "/orders", { json: order, timeout: "10s" });
   * const maybe = await http.get("erp", `/orders/${id}`, { throw: false });
   * if (maybe.status === 404) ...
   * ```
   */
  export const http: {
    get(destination: HttpDestination, path?: string, options?: HttpOptions): Promise<HttpResponse>;
    post(destination: HttpDestination, path?: string, options?: HttpOptions): Promise<HttpResponse>;
    put(destination: HttpDestination, path?: string, options?: HttpOptions): Promise<HttpResponse>;
    patch(destination: HttpDestination, path?: string, options?: HttpOptions): Promise<HttpResponse>;
    delete(destination: HttpDestination, path?: string, options?: HttpOptions): Promise<HttpResponse>;
    head(destination: HttpDestination, path?: string, options?: HttpOptions): Promise<HttpResponse>;
    options(destination: HttpDestination, path?: string, options?: HttpOptions): Promise<HttpResponse>;
    /** `http.request("erp", "/orders", { method: "PUT", json })`; GET without a method. */
    request(destination: HttpDestination, path: string, options?: HttpOptions & { method?: string }): Promise<HttpResponse>;
  };

  // ---------------------------------------------------------------- channel

  /**
   * The channel's outgoing URL (`external` in its configuration) and tokens.
   * The tokens are stand-ins that become the real ones when the request leaves:
   * put them into a header's value, a query value or a text.
   */
  export interface ChannelExternal extends HttpTarget {
    readonly primaryToken: string;
    readonly secondaryToken: string;
  }

  /**
   * The channel that started the run; its members are undefined in a run that
   * another run started.
   *
   * ```ts
   * await channel.external.post("/ack", { headers: { authorization: `Bearer ${channel.external.primaryToken}` } });
   * ```
   */
  export const channel: {
    readonly code: string | undefined;
    readonly type: string | undefined;
    readonly comment: string | undefined;
    readonly external: ChannelExternal;
  };

  // ---------------------------------------------------------------- kv

  /**
   * A small store of values by key, common to all scenarios. Writes are exactly
   * once: they commit together with the step.
   */
  export const kv: {
    /** `undefined` when there is no value, or it has expired. */
    get<T = any>(key: string): Promise<T | undefined>;
    /** Any JSON value. Without `ttl` it stays until it is deleted. */
    set(key: string, value: unknown, options?: { ttl?: Duration }): Promise<void>;
    /** Whether there was a value. */
    delete(key: string): Promise<boolean>;
    /**
     * Adds a whole number (1 when absent) and gives the sum; a missing value
     * counts as 0. Safe against others doing the same at once.
     */
    increment(key: string, by?: number, options?: { ttl?: Duration }): Promise<number>;
  };

  // ---------------------------------------------------------------- runs

  /** The run that executes. */
  export const run: {
    /** `"run_..."`. */
    readonly id: string;
    /** 1 at first, and one more after each failed try. */
    readonly attempt: number;
    readonly mode: "test" | "production";
    /** What the run is about, for the question "where is order 4711?". */
    subject(text: string | number): void;
    /** Further words to find the run by. */
    tag(...texts: (string | number)[]): void;
  };

  export interface RunOptions {
    /** The new run's subject. */
    subject?: string;
    /** Runs with the same key are executed one after another. */
    ordering_key?: string;
    tags?: string[];
  }

  /** Other scenarios as runs of their own; `input` is what they are called with. */
  export const runs: {
    /** Starts a run and does not wait for it. */
    start(scenario: string, input?: unknown, options?: RunOptions): Promise<{ id: string }>;
    /** Starts a run, waits for its end and gives what it returned; throws what it failed with. */
    call<T = any>(scenario: string, input?: unknown, options?: RunOptions): Promise<T>;
  };

  // ---------------------------------------------------------------- events

  export interface EventOptions {
    /** What the event is about, such as an order's number. */
    subject?: string | number;
    /** Any JSON value. Together with all else up to 1 MiB. */
    data?: unknown;
    /** A URI reference; this installation when absent. */
    source?: string;
    /** When it happened, RFC 3339 when a text; now when absent. */
    time?: Date | string;
    /** An event whose id and source the log has already is not published again. The step's own when absent. */
    id?: string;
  }

  /** The event log. */
  export const events: {
    /**
     * Tells whoever listens that something has happened, exactly once: the event
     * is in the log when the step is in the journal. The parts of a type are
     * separated by dots; those that begin with `approval`, `config`, `record`,
     * `run`, `schedule` and `session` are Junctor's own.
     *
     * ```ts
     * await events.publish("order.overdue", { subject: order.number, data: { days: 3 } });
     * ```
     */
    publish(type: string, options?: EventOptions): Promise<{ id: string }>;
  };

  export interface WaitOptions {
    /** Exactly; of any subject when absent. */
    subject?: string | number;
    /** A filter over `type`, `subject`, `source`, `id`, `time` and `data/...`, such as `data/state eq 'paid'`. */
    match?: string;
    /** For how long; for ever when absent. At most 10 years. */
    timeout?: Duration;
  }

  /** An event as it stands in the log: a CloudEvent 1.0, with further attributes as members. */
  export interface CloudEvent<T = any> {
    specversion: "1.0";
    id: string;
    source: string;
    type: string;
    subject?: string;
    time: string;
    datacontenttype?: string;
    dataschema?: string;
    data?: T;
    /** Data that are no JSON. */
    data_base64?: string;
    [attribute: string]: any;
  }

  /**
   * Waits for an event; `null` when the time is over first. `type` may be a
   * pattern: `*` stands for one part, a trailing `**` for any rest. The run may
   * be put aside meanwhile and survives restarts.
   *
   * An event counts that came into the log after the run began, before the wait
   * too, and that no other wait of this run has had; the earliest comes first.
   *
   * ```ts
   * const paid = await waitForEvent("order.paid", { subject: order.number, timeout: "3d" });
   * if (!paid) await events.publish("order.overdue", { subject: order.number });
   * ```
   */
  export function waitForEvent<T = any>(type: string, options?: WaitOptions): Promise<CloudEvent<T> | null>;

  /** The first of several, with its place. */
  export type First<T> = { [K in keyof T]: { key: K; value: Awaited<T[K]> } }[keyof T];

  /**
   * Waits for the first of several promises, and ends the others as far as they
   * are `waitForEvent` or `sleep`: unlike the losers of `Promise.race` they take
   * no event from a later wait. `null` when `timeout` is over first.
   *
   * ```ts
   * const first = await waitForAny({
   *   paid: waitForEvent("order.paid", { subject }),
   *   cancelled: waitForEvent("order.cancelled", { subject }),
   * }, { timeout: "14d" });
   * if (first?.key === "paid") ship(first.value);
   * ```
   */
  export function waitForAny<T extends readonly unknown[]>(waits: T, options?: { timeout?: Duration }): Promise<{ key: number; value: Awaited<T[number]> } | null>;
  export function waitForAny<T extends object>(waits: T, options?: { timeout?: Duration }): Promise<First<T> | null>;

  /**
   * Waits for all of several promises and gives their values under their names,
   * or in their order. When `timeout` is over first, those that are still open
   * end, as with `waitForAny`, and are `null`.
   *
   * ```ts
   * const { goods, invoice } = await waitForAll({
   *   goods: waitForEvent("goods.arrived", { subject }),
   *   invoice: waitForEvent("invoice.arrived", { subject }),
   * }, { timeout: "30d" });
   * ```
   */
  export function waitForAll<T extends readonly unknown[] | object>(waits: T, options?: { timeout?: Duration }): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> | null }>;

  // --------------------------------------------------------------- sockets

  /** An open websocket of a channel. */
  export interface Socket {
    readonly id: string;
    /** The other side's address without port; behind trusted proxies the client's. */
    readonly remoteAddress: string;
    /** RFC 3339 in UTC. */
    readonly openedAt: string;
  }

  /** The websockets of public channels, at whichever node they are. */
  export const sockets: {
    /**
     * Sends a message: a text or bytes as they are, anything else as JSON. To a
     * connection (its id), or to all those of a channel (its code, or
     * `message.channel`). Gives to how many it was sent; none of a channel is no
     * error. Fails with an error named `SocketError` when there is no such
     * connection any more, and no such channel. It is a step, made at least once;
     * whether the other side has read the message nobody knows.
     *
     * await sockets.send(message.connection, { state: "working" });
     */
    send(to: string | ChannelInfo, data: any): Promise<number>;
    /**
     * Closes a connection with a code (1000 by default; 1008 or 3000 to 4999 are
     * those for reasons of your own) and a reason of at most 123 bytes. What was
     * sent before arrives first. Fails with an error named `SocketError` when there
     * is no such connection any more.
     */
    close(connection: string, code?: number, reason?: string): Promise<void>;
    /** The open connections of a channel, the oldest first; at most 10,000. Fails with an error named `SocketError` when there is no such channel. */
    list(channel: string | ChannelInfo): Promise<Socket[]>;
  };

  // ---------------------------------------------------------------- links

  export interface LinkOptions {
    /** What the page is headed by. At most 200 bytes. */
    title?: string;
    /** What the link does, in plain text; lines stay lines. At most 8,000 bytes. */
    text?: string;
    /** What stands on the button; `"Confirm"` when absent. */
    button?: string;
    /** What is shown when it was done. */
    done?: string;
    /** When the link ends; after 7 days when absent, and 10 years at the latest. */
    expires?: Duration | Date;
    /** How often it can be used; once when absent. */
    uses?: number | "unlimited";
    /** `false`: a GET acts too, without a page. For programs: whatever looks at the links of a mail would use it up. */
    confirm?: boolean;
  }

  export interface EventLinkOptions extends LinkOptions {
    /** What the event is about. */
    subject?: string | number;
    /** The event's data: any JSON value, up to 64 KiB. */
    data?: unknown;
  }

  export interface RunLinkOptions extends LinkOptions {
    /** What the run is about. */
    subject?: string | number;
    tags?: readonly string[];
  }

  /**
   * URLs to hand out, in a mail or a message. Whoever opens one gets a page with a
   * button; only the button acts, so that programs that look at every link of a mail
   * do nothing. Each is signed, ends by itself, and works once unless `uses` says more.
   */
  export const links: {
    /**
     * A URL that publishes an event.
     *
     * ```ts
     * const url = await links.event("order.received", { subject: order.number, title: "Have the goods arrived?", expires: "14d" });
     * ```
     */
    event(type: string, options?: EventLinkOptions): Promise<string>;
    /**
     * A URL that starts a run of a scenario, of the version that is in use then. The
     * input is what its function is called with.
     *
     * ```ts
     * const url = await links.run("cancel_order", { number: order.number }, { title: `Cancel order ${order.number}?`, button: "Cancel it" });
     * ```
     */
    run(scenario: string, input?: unknown, options?: RunLinkOptions): Promise<string>;
    /** Ends a link; whether it could still have been used. */
    revoke(url: string): Promise<boolean>;
  };

  // ---------------------------------------------------------------- approval

  export interface ApprovalOptions<Choice extends string = "approve" | "reject"> {
    /** What it is about, such as an order's number. */
    subject?: string | number;
    /** The question. At most 200 bytes. */
    title?: string;
    /** What one must know to decide, in plain text; lines stay lines. At most 8,000 bytes. */
    text?: string;
    /** 1 to 10: a list, or an object of what people read for each. `["approve", "reject"]` when absent. */
    choices?: readonly Choice[] | { readonly [choice in Choice]: string };
    /** When nobody is waited for any more; 30 days when absent, and 10 years at the latest. */
    timeout?: Duration | Date;
    /** Who may be asked, such as mail addresses: each has links of their own, by which it is known who has decided. At most 50. */
    assignees?: readonly string[];
  }

  export interface ReminderOptions<Choice extends string = "approve" | "reject"> {
    /** Sends the links: called at once with 0, and then with 1, 2, ... for each reminder until somebody has decided. */
    notify?: (approval: OpenApproval<Choice>, reminder: number) => unknown;
    /** How long there is between two reminders; none when absent. */
    reminder?: Duration;
  }

  /** What somebody has decided. */
  export interface Decision<Choice extends string = "approve" | "reject"> {
    readonly choice: Choice;
    /** `""` for none. Written by people: plain text of any content, at most 4,000 bytes. */
    readonly comment: string;
    /** The assignee whose link it was, or the login of an account; `null` for a link that was nobody's own. */
    readonly by: string | null;
    readonly via: "link" | "api";
    readonly at: Date;
  }

  /** A question that people have been asked. */
  export interface OpenApproval<Choice extends string = "approve" | "reject"> {
    readonly id: string;
    readonly expiresAt: Date;
    /** A URL for each choice, for whoever has it. */
    readonly links: { readonly [choice in Choice]: string };
    /** The same for each of the assignees. */
    readonly personal: { readonly [assignee: string]: { readonly [choice in Choice]: string } };
    /** Waits for the decision; `null` when nobody has decided in time. */
    decision(options?: ReminderOptions<Choice>): Promise<Decision<Choice> | null>;
  }

  /**
   * Asks people and waits for what they decide, by links or in the list of
   * approvals; `null` when nobody has decided in time. It is decided once.
   *
   * ```ts
   * const decision = await approval({
   *   subject: order.number, title: `Order ${order.number} over 10,000`, timeout: "3d", reminder: "1d",
   *   notify: (a) => http.post("mail", "/send", { json: { to: "boss@example.com", approve: a.links.approve, reject: a.links.reject } }),
   * });
   * if (decision?.choice !== "approve") return;
   * ```
   */
  export const approval: {
    <const Choice extends string = "approve" | "reject">(options: ApprovalOptions<Choice> & ReminderOptions<Choice>): Promise<Decision<Choice> | null>;
    /** Asks, and does not wait yet: `await a.decision()` does. */
    open<const Choice extends string = "approve" | "reject">(options: ApprovalOptions<Choice>): Promise<OpenApproval<Choice>>;
  };

  // ---------------------------------------------------------------- schedules

  /** What a scenario is handed that a schedule starts. Moments are RFC 3339 in UTC. */
  export interface Schedule<Input = any> {
    /** The schedule's code. */
    readonly code: string;
    /** The time that it came for, without jitter; of a run that was started by hand, when that was. */
    readonly due: string;
    /** How much later than that the run was made, in milliseconds. */
    readonly lateBy: number;
    /** The time that it came for last, `null` when this is the first. */
    readonly previous: string | null;
    /** Whether it was started by hand, and not by the clock. */
    readonly manual: boolean;
    /** The schedule's `input`, or what it was started with by hand. */
    readonly input: Input;
  }

  /** The schedules of `junctor.yaml`, by their codes. */
  export const schedules: {
    /**
     * Starts a run of a schedule now and does not wait for it, with `input`
     * instead of the schedule's own. `id` is `null` when runs of it are going on
     * and its `overlap` does not let another begin.
     */
    start(code: string, input?: unknown): Promise<{ id: string | null }>;
    /** Keeps a schedule from coming by itself, until it is resumed. */
    pause(code: string): Promise<void>;
    /** Lets a paused schedule come again, from its first time after now. */
    resume(code: string): Promise<void>;
    /** Its next times, one when `count` is absent and up to 1,000; fewer, or none, when it does not come so often. */
    next(code: string, count?: number): Promise<Date[]>;
  };

  // ---------------------------------------------------------------- poll

  /** What a poll has found. */
  export interface PollFound<Item = any> {
    /** At most 1,000. */
    items: readonly Item[];
    /** Where the next poll begins, any JSON up to 64 KiB; where this one did, when absent. */
    cursor?: unknown;
    /**
     * What an item is known by: the name of a member, or a function. An item
     * whose key an earlier poll has seen is dropped. Without it none is.
     */
    key?: (keyof Item & string) | ((item: Item) => string | number);
  }

  export interface PollOptions<Item = any> {
    /** What is started for each item, with the item as its input. */
    scenario: string;
    /**
     * What the very first poll of the name does with its items: `"start"` runs
     * (when absent), or only `"remember"` them, for what is new from now on.
     */
    first?: "start" | "remember";
    /** How long a key is remembered after it was last seen: `"30d"` when absent. The 10,000 seen last are. */
    keep?: Duration;
    /** The runs' subject: the name of a member, or a function. */
    subject?: (keyof Item & string) | ((item: Item) => string | number | undefined);
    /** Runs with the same key are executed one after another: the name of a member, or a function. */
    ordering_key?: (keyof Item & string) | ((item: Item) => string | number | undefined);
    tags?: string[];
  }

  /**
   * Looks for news in another system: calls the function with the cursor that
   * the last poll of this name returned (`undefined` at first), drops the items
   * that were seen before, and starts a run for each of the others. The new
   * cursor, what was seen, and the runs are stored together or not at all; when
   * the function throws, everything stays as it was.
   *
   * ```ts
   * export default async function (schedule: Schedule) {
   *   await poll("orders", async (cursor: string | undefined) => {
   *     const answer = await http.get("shop", "/orders", { query: { since: cursor ?? "2027-01-01" } });
   *     const orders = answer.json<{ id: number; changed: string }[]>();
   *     return { items: orders, cursor: orders.at(-1)?.changed, key: (order) => `${order.id} ${order.changed}` };
   *   }, { scenario: "order", subject: "id" });
   * }
   * ```
   * The name is common to all scenarios. When another poll of the name has been
   * made meanwhile, the function is called again, after a pause, with the newer
   * cursor.
   */
  export function poll<Item = any, Cursor = any>(
    name: string,
    fetch: (cursor: Cursor | undefined) => PollFound<Item> | Promise<PollFound<Item>>,
    options: PollOptions<Item>,
  ): Promise<{
    /** The runs that were started, in the order of the items. */
    runs: string[];
    /** How many items were dropped. */
    known: number;
  }>;

  // ---------------------------------------------------------------- packets

  /**
   * Fetches a packet: data about one thing from several places, as it is
   * declared in `junctor.yaml`. A run may see all of it. Numbers beyond what
   * JavaScript can count exactly lose digits.
   *
   * ```ts
   * const card = await packets("customer_card", { code: order.customer });
   * ```
   */
  export function packets<T = any>(name: string, params?: Record<string, unknown>): Promise<T>;

  // ---------------------------------------------------------------- time and log

  /**
   * Waits. The run may be put aside meanwhile and survives restarts: three days
   * cost no more than a second. At most 10 years.
   *
   * ```ts
   * await sleep("3d");
   * ```
   */
  export function sleep(duration: Duration): Promise<void>;

  /**
   * The present time. A step: `new Date()` shows the time of the last finished
   * step instead, and costs nothing.
   */
  export function now(): Promise<Date>;

  /**
   * Writes a line that is shown with the run. Values that are not texts are
   * written as JSON.
   *
   * ```ts
   * log("customer found", customer.id);
   * log.warn("no stock for", item);
   * ```
   */
  export const log: {
    (...values: unknown[]): void;
    debug(...values: unknown[]): void;
    info(...values: unknown[]): void;
    warn(...values: unknown[]): void;
    error(...values: unknown[]): void;
  };

  // ---------------------------------------------------------------- records

  /**
   * The classes of the integration. `junctor types DIR` declares them here, so
   * that `records("orders")` knows its columns; without that, any code is taken.
   */
  export interface RecordClasses {}

  /** What there is to know of a class. */
  export interface ClassShape {
    /** A record as it is read. */
    record: StoredRecord;
    /** What `create` and `upsert` take. */
    create: object;
    /** What `update` takes. */
    update: object;
    /** What `find` takes: the columns of one of the class's keys. */
    key: object;
    /** Its refs, for `expand`. */
    refs: string;
  }

  /** A class whose columns are not declared. */
  export interface AnyClass extends ClassShape {
    record: StoredRecord & { [column: string]: any };
    create: { [column: string]: any };
    update: { [column: string]: any };
    key: { [column: string]: any };
  }

  /** What there is to know of the class with a code. */
  export type ClassOf<Code> = Code extends keyof RecordClasses ? (RecordClasses[Code] extends ClassShape ? RecordClasses[Code] : AnyClass) : AnyClass;
  /** The code of a class. */
  export type ClassCode = keyof RecordClasses extends never ? string : keyof RecordClasses;

  /** What every record has. Moments are RFC 3339 in UTC. */
  export interface StoredRecord {
    readonly id: string;
    /** Rises with every change, from 1. */
    readonly version: number;
    readonly created_at: string;
    /** A login; of a run its id. */
    readonly created_by: string;
    readonly modified_at: string;
    readonly modified_by: string;
  }

  /** What has become of a written record. It is not enumerable. */
  export interface Written {
    readonly $result: "created" | "updated" | "unchanged";
  }

  export interface RecordQuery<Column extends string = string, Ref extends string = string> {
    /** OData's `$filter`: `"state eq 'new' and customer/code eq @code"`. */
    filter?: string;
    /** Values of the filter's parameters, without `@`; a list stands behind `in`. Never put them into the text. */
    params?: { [name: string]: null | boolean | number | bigint | string | Date | Decimal | readonly (boolean | number | bigint | string | Date | Decimal)[] };
    /** OData's `$orderby`: `"received desc,number"`. The id decides last. */
    orderby?: string;
    /** At most so many, up to 1,000. Without it all that fit are answered, and more than 1,000 are refused. */
    top?: number;
    skip?: number;
    /** Columns; all of them when absent. */
    select?: readonly Column[];
    /** Refs that are answered with the record they lead to: `["customer", "customer/country"]`. */
    expand?: readonly (Ref | `${Ref}/${string}`)[];
  }

  export interface RecordsOf<C extends ClassShape> {
    /** The record with a key, `null` when there is none. */
    find(key: C["key"], options?: { select?: readonly string[]; expand?: readonly (C["refs"] | `${C["refs"]}/${string}`)[] }): Promise<C["record"] | null>;
    /** The record with an id, `null` when there is none. */
    get(id: string, options?: { select?: readonly string[]; expand?: readonly (C["refs"] | `${C["refs"]}/${string}`)[] }): Promise<C["record"] | null>;
    /** The records that fit. */
    query<Column extends keyof C["record"] & string = keyof C["record"] & string>(query?: RecordQuery<Column, C["refs"]>): Promise<Pick<C["record"], Column>[]>;
    /** Makes a record. */
    create(columns: C["create"]): Promise<C["record"] & Written>;
    /**
     * Changes the columns that are given: `null` clears one, what is absent stays.
     * With `version` only when that is the record's version still (else 412).
     */
    update(at: string | C["key"], columns: C["update"], options?: { version?: number }): Promise<C["record"] & Written>;
    /** Changes the record that the columns name, by `id` or by a key that is there whole, or makes it. */
    upsert(columns: C["create"] | (C["update"] & C["key"]), options?: { version?: number }): Promise<C["record"] & Written>;
    /** Whether there was such a record. */
    delete(at: string | C["key"], options?: { version?: number }): Promise<boolean>;
  }

  /**
   * The records of a class. A scenario has every right; what it changes says that
   * the run has done it. Writes are made exactly once, together with their entry
   * in the journal, and those that are called without waiting in between are made
   * in one transaction:
   *
   * ```ts
   * const customer = await records("customers").find({ code: order.customer });
   * if (!customer) throw new Problem({ status: 422, title: "unknown customer" });
   * await Promise.all([
   *   records("orders").upsert({ number: order.number, customer: customer.id, total: order.total }),
   *   records("customers").update(customer.id, { last_order: order.number }),
   * ]);
   * ```
   * A decimal column is a `Decimal`, exact with all its places; an integer that a
   * number cannot hold exactly is a `bigint`; dates and moments are texts. A ref
   * `customer` is `customer_id`, and `customer` when it is expanded. Refusals are
   * a `RecordError`.
   */
  export function records<Code extends ClassCode>(code: Code): RecordsOf<ClassOf<Code>>;

  /** What a scenario is handed that a rule or a button of a class starts. */
  export interface RecordChange<Class extends ClassCode = ClassCode> {
    readonly class: Class;
    /** What is done, or the code of the button. */
    readonly action: "created" | "updated" | "deleted" | (string & {});
    /**
     * The record as it is after the change, in a rule with `before: true` as it
     * would become; of a deleted one as it was.
     */
    readonly record: ClassOf<Class>["record"];
    /** As it was before the change; `null` for a new record and for a button. */
    readonly before: ClassOf<Class>["record"] | null;
    /** The properties that have changed, a ref as `customer_id`. */
    readonly changed: readonly string[];
    /** Who made the change; `null` when a run or another program made it. */
    readonly account: AccountInfo | null;
    /** The run that made the change, `null` for none. */
    readonly run: string | null;
  }

  // ---------------------------------------------------------------- xml

  export interface XmlParseOptions {
    /** Names of elements that are arrays even when they appear once. */
    array?: string[];
    /** `false`: leave out the prefixes of elements and the declarations of namespaces. */
    prefixes?: boolean;
    /** Leave out white space around text. */
    trim?: boolean;
    /** Give `XmlElement`, which keeps the order of everything. */
    ordered?: boolean;
  }

  export interface XmlWriteOptions {
    /** Begin with `<?xml version="1.0" encoding="..."?>`; true when absent. */
    declaration?: boolean;
    /** What the declaration names, and what `xml.encode` encodes in; UTF-8 when absent. */
    encoding?: string;
    /** Spaces per level (at most 16), or the text of one level; one line when absent. */
    indent?: number | string | boolean;
    /** The value is an `XmlElement`. */
    ordered?: boolean;
  }

  /** The ordered form of an element. */
  export interface XmlElement {
    name: string;
    attributes?: Record<string, string>;
    children?: (XmlElement | string)[];
  }

  /**
   * XML as plain objects:
   *
   * ```xml
   * <order id="7"><note/><item n="1">pen</item><item n="2">ink</item><by>Eva</by></order>
   * ```
   * ```js
   * { order: { "@id": "7", note: "", item: [{ "@n": "1", "#text": "pen" }, { "@n": "2", "#text": "ink" }], by: "Eva" } }
   * ```
   *
   * - An element with neither attributes nor elements in it is its text, `""` when empty.
   * - Any other is an object: attributes as `"@name"`, elements by name, text as `"#text"`.
   * - A name that appears more than once is an array. Name those that may appear once in `array`.
   * - Text stays text: nothing is turned into numbers.
   * - Prefixes are kept (`"soap:Body"`), declarations are attributes (`"@xmlns:soap"`).
   * - White space between elements is dropped; comments and processing instructions too.
   *
   * Writing is the reverse, in the order of the members; `null` is an empty
   * element, an empty array nothing. Document types (DTD) and entities are
   * refused, as are more than 1,000 levels, 1,000 attributes of one element,
   * 16 MiB or a million elements.
   * Errors are called `XmlError` and name line and column.
   */
  export const xml: {
    /** Bytes are decoded by their byte order mark or XML declaration, else as UTF-8. */
    parse(document: Data, options: XmlParseOptions & { ordered: true }): XmlElement;
    parse<T = any>(document: Data, options?: XmlParseOptions): T;
    /** Text; `xml.stringify({ order: { "@id": 7, item: ["a", "b"] } }, { indent: 2 })`. */
    stringify(value: object, options?: XmlWriteOptions): string;
    /** Bytes in the encoding that the declaration names. */
    encode(value: object, options?: XmlWriteOptions): Uint8Array;
  };

  // ---------------------------------------------------------------- csv

  export interface CsvParseOptions {
    /** `,` when absent. */
    delimiter?: string;
    /** `"` when absent; `""` for text that uses no quotes. */
    quote?: string;
    /** Whether the first row has the names of the columns; true when absent, unless `columns` is given. */
    header?: boolean;
    /** The names of the columns, instead of the header's. */
    columns?: string[];
    /** Leave out spaces around fields that are not quoted. */
    trim?: boolean;
    /** Let rows be shorter than the first: what is missing is `""`. */
    ragged?: boolean;
  }

  export interface CsvWriteOptions {
    /** `,` when absent. */
    delimiter?: string;
    /** `"` when absent; `""` for none. */
    quote?: string;
    /** Whether the first line has the names of the columns; true when absent and there are names. */
    header?: boolean;
    /** Which members, in which order; all of them when absent. */
    columns?: string[];
    /** Quote every field. */
    quoteAll?: boolean;
    /** `"\r\n"` when absent. */
    newline?: string;
    /** Begin with a byte order mark, for Excel. */
    bom?: boolean;
    /** Put `'` before fields that a spreadsheet would compute (`=`, `+`, `-`, `@` and no number). */
    neutraliseFormulas?: boolean;
  }

  /** A field that can be written; `null` and `undefined` are empty. */
  export type CsvField = string | number | boolean | null | undefined | Decimal | Date;

  /**
   * Delimited text, as RFC 4180 has it. Fields stay text. Rows of another length,
   * stray quotes and the like, and more than 2 million fields, are a `CsvError` that names the line.
   *
   * ```ts
   * const rows = csv.parse(encoding.decode(request.body, "windows-1250"), { delimiter: ";" });
   * const text = csv.stringify(rows.map((r) => ({ code: r.code, total: decimal(r.total!).round(2) })));
   * ```
   */
  export const csv: {
    parse(text: string, options: CsvParseOptions & { header: false; columns?: undefined }): string[][];
    parse<Column extends string = string>(text: string, options?: CsvParseOptions): Record<Column, string>[];
    stringify(rows: readonly (Record<string, CsvField> | readonly CsvField[])[], options?: CsvWriteOptions): string;
  };

  // ---------------------------------------------------------------- encodings

  /** Labels in any case; `cp1250`, `latin2`, `iso8859-2` and the like are known too. */
  export type EncodingLabel =
    | "utf-8" | "utf-16" | "utf-16le" | "utf-16be" | "us-ascii"
    | `windows-125${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`
    | `iso-8859-${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 13 | 14 | 15 | 16}`
    | "koi8-r" | "koi8-u" | "ibm437" | "ibm850" | "ibm852" | "ibm866"
    | (string & {});

  /**
   * Text in other encodings than UTF-8. What cannot be converted is an
   * `EncodingError` that names the place, or is replaced on demand.
   */
  export const encoding: {
    /** A byte order mark is left out. `replace`: U+FFFD for bytes that stand for nothing. */
    decode(bytes: Uint8Array, label: EncodingLabel, options?: { replace?: boolean }): string;
    /** `replace`: `?` for characters that the encoding does not have. `bom`: begin with a byte order mark (UTF only). */
    encode(text: string, label: EncodingLabel, options?: { replace?: boolean; bom?: boolean }): Uint8Array;
  };

  /** Base64 of text (as UTF-8) or bytes. */
  export const base64: {
    /** With `+`, `/` and padding. */
    encode(data: Data): string;
    /** With `-` and `_`, without padding: for URLs and tokens. */
    encodeUrl(data: Data): string;
    /** Either alphabet, with or without padding. Throws a `SyntaxError` when it is none. */
    decode(text: string): Uint8Array;
    /** The same, as UTF-8 text. */
    decodeText(text: string): string;
  };

  // ---------------------------------------------------------------- crypto

  export type HashAlgorithm = "md5" | "sha1" | "sha256" | "sha384" | "sha512";
  export type DigestEncoding = "hex" | "base64" | "base64url";

  /**
   * Hashes and signatures. Texts count as their UTF-8 bytes.
   *
   * ```ts
   * const mine = crypto.hmac("sha256", secret, request.body);
   * if (!crypto.timingSafeEqual(mine, request.header("x-signature") ?? "")) throw new Unauthorized();
   * ```
   */
  export const crypto: {
    hash(algorithm: HashAlgorithm, data: Data, encoding?: DigestEncoding): string;
    hash(algorithm: HashAlgorithm, data: Data, encoding: "bytes"): Uint8Array;
    hmac(algorithm: HashAlgorithm, key: Data, data: Data, encoding?: DigestEncoding): string;
    hmac(algorithm: HashAlgorithm, key: Data, data: Data, encoding: "bytes"): Uint8Array;
    /** Compares in a time that does not tell how much is right. */
    timingSafeEqual(a: Data, b: Data): boolean;
    /** The same in every execution of one run. An identifier, not a secret. */
    randomUUID(): string;
    /** At most 65,536 bytes; the same in every execution of one run. Not for keys and passwords. */
    randomBytes(size: number): Uint8Array;
  };

  // ---------------------------------------------------------------- decimal

  /** How to round: `half-up` is what schools teach, `half-even` what banks do; up and down are away from and towards zero. */
  export type Rounding = "half-up" | "half-even" | "half-down" | "up" | "down" | "ceiling" | "floor";

  /** What a decimal is made of. A number is taken as it is printed: `0.1` is exactly 0.1. */
  export type DecimalLike = Decimal | string | number | bigint;

  /** An exact decimal that never changes. At most 1,000 digits. */
  export interface Decimal {
    plus(x: DecimalLike): Decimal;
    minus(x: DecimalLike): Decimal;
    times(x: DecimalLike): Decimal;
    /**
     * With a scale the quotient is rounded to that many places (`half-up` when
     * absent); without one it must end, or a `DecimalError` is thrown.
     */
    div(x: DecimalLike, scale?: number, rounding?: Rounding): Decimal;
    /** The remainder; it has the sign of this decimal. */
    mod(x: DecimalLike): Decimal;
    /** To exactly this many places (0 when absent); a negative scale rounds to tens, hundreds, ... */
    round(scale?: number, rounding?: Rounding): Decimal;
    neg(): Decimal;
    abs(): Decimal;
    /** -1, 0 or 1. `1.0` and `1.00` are equal. */
    cmp(x: DecimalLike): -1 | 0 | 1;
    eq(x: DecimalLike): boolean;
    lt(x: DecimalLike): boolean;
    lte(x: DecimalLike): boolean;
    gt(x: DecimalLike): boolean;
    gte(x: DecimalLike): boolean;
    isZero(): boolean;
    isNegative(): boolean;
    /** How many places are behind the point. */
    readonly scale: number;
    /** Plain notation with all its places: `"10.10"`. */
    toString(): string;
    toFixed(scale?: number, rounding?: Rounding): string;
    /** The nearest number; exactness may be lost. */
    toNumber(): number;
    /** The text, so that JSON loses nothing. */
    toJSON(): string;
  }

  /**
   * Exact decimal arithmetic, for money and quantities.
   *
   * ```ts
   * const net = decimal("10.10").times(3);              // 30.30
   * const vat = net.times("0.21").round(2, "half-up");   // 6.36
   * const third = net.div(3, 4);                         // 10.1000
   * ```
   * Operators do not work (`net + vat` throws): use the methods. What is not a
   * number, and division by zero, is a `DecimalError`.
   */
  export const decimal: {
    (value: DecimalLike): Decimal;
    sum(values: Iterable<DecimalLike>): Decimal;
    min(...values: [DecimalLike, ...DecimalLike[]]): Decimal;
    max(...values: [DecimalLike, ...DecimalLike[]]): Decimal;
    /** Whether a decimal can be made of it. */
    isValid(value: unknown): boolean;
  };
}
