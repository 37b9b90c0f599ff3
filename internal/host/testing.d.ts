/**
 * What tests of scenarios can do: the module "junctor/test".
 *
 * `junctor test DIR` runs every file below `scenarios` that ends in `.test.ts`
 * or `.test.js`. Nothing is reached: the steps of scenarios that would leave the
 * machine are answered by mocks.
 *
 * ```ts
 * import { expect, mock, run, test } from "junctor/test";
 *
 * test("an order goes to the ERP", async () => {
 *   const erp = mock("http.request", (call) => ({ status: 201, json: { id: 17 } }));
 *   const answer = await run("order", { json: { number: "4711" } });
 *   expect(answer.status).toBe(201);
 *   expect(erp.calls[0]?.path).toBe("/orders");
 * });
 * ```
 *
 * Every test begins anew: the file is executed again, kv is empty, no step has
 * a mock but those that the file sets at its top level, and it is the first
 * second of 2026 (UTC). Time passes only when a scenario sleeps, at once.
 * A test may import "junctor" too: `kv` prepares and shows what scenarios keep,
 * `sleep` lets time pass, and the pure helpers work as in scenarios.
 */
declare module "junctor/test" {
  /** A test. It fails when the function throws or its promise rejects. */
  export function test(name: string, body: () => void | Promise<void>): void;

  // ---------------------------------------------------------------- run

  /** A request as a scenario gets it; at most one content. A POST when nothing is said. */
  export interface Message {
    method?: string;
    /** Below the token: `""` or `"/some/path"`; may end in `?query`. */
    path?: string;
    query?: { [name: string]: string | number | readonly string[] };
    headers?: { [name: string]: string | number | readonly string[] };
    json?: unknown;
    text?: string;
    /** Text or bytes as they are, without a Content-Type of their own. */
    body?: string | Uint8Array;
    /** An object for `xml.stringify`, or XML as text. */
    xml?: string | object;
    form?: Record<string, string>;
    /** `"127.0.0.1"` when absent. */
    remoteAddress?: string;
    /** None when absent. */
    clientCertificate?: Partial<import("junctor").ClientCertificate>;
    /** `"production"` when absent. */
    mode?: "test" | "production";
    /**
     * The id of a websocket's connection, whose message it is. A scenario that a
     * channel has as its `websocket_scenario` only gets such messages by itself.
     */
    connection?: string;
    /** Data instead of a request, as `runs.call` hands it over. */
    value?: unknown;
    /** The parameters of a function's call by the account `admin`, instead of a request. */
    params?: object;
    /** The change of a record instead of a request, as rules and buttons hand it over; columns that are not given are `null`. */
    change?: TestedChange;
    /**
     * What a schedule hands over, instead of a request: `{}` is the usual, with the
     * `input` of junctor.yaml, due now. A scenario that a schedule starts and no
     * channel gets that too when nothing is said.
     */
    schedule?: Partial<import("junctor").Schedule>;
  }

  /** See `RecordChange`. */
  export interface TestedChange {
    class: string;
    /** `"updated"` when absent. */
    action?: string;
    record: object;
    before?: object | null;
    changed?: readonly string[];
    account?: import("junctor").AccountInfo | null;
    run?: string | null;
  }

  /** A step that the scenario made. */
  export interface Step {
    /** From 1, in the order of calls. */
    readonly seq: number;
    /** Such as `"http.request"`. */
    readonly name: string;
    readonly arguments: any;
    readonly result?: any;
    readonly error?: { name: string; message: string; permanent?: boolean };
  }

  /** What came of a scenario. */
  export interface Outcome {
    /** `"refused"`: its `validate` did not let the message in. */
    readonly state: "succeeded" | "failed" | "refused";
    /** What the caller is answered; 502 when the scenario failed. */
    readonly status: number;
    /** By name in lower case. */
    readonly headers: { readonly [name: string]: string | undefined };
    /** The content, when it is JSON. */
    readonly json: any;
    /** The content as text. */
    readonly text: string;
    /** The content, when it is neither JSON nor text. */
    readonly body?: Uint8Array;
    readonly subject?: string;
    readonly tags?: readonly string[];
    /** Why it failed; `stack` names places in the scenario. */
    readonly error?: { name?: string; message: string; stack?: string; permanent: boolean };
    readonly steps: readonly Step[];
    readonly logs: readonly { level: string; text: string }[];
  }

  /**
   * Executes a scenario once, its `validate` before it. An object that has only
   * members of `Message` is a message, anything else is data.
   *
   * The promise rejects when the trial cannot go on: there is no such scenario,
   * or no mock answers a step. A scenario that fails is an outcome.
   *
   * ```ts
   * const answer = await run("order", { json: order, headers: { "x-source": "shop" } });
   * const price = await run("price", { sku: "P-7100" });   // data
   * ```
   */
  export function run(scenario: string, message?: Message): Promise<Outcome>;
  export function run(scenario: string, data: unknown): Promise<Outcome>;

  // ---------------------------------------------------------------- mock

  /** A request that a scenario makes. */
  export interface HttpCall {
    /** The connection's code, or `"channel.external"`. */
    readonly connection: string;
    readonly method: string;
    readonly path: string;
    readonly query: Record<string, string>;
    /** By name in lower case. */
    readonly headers: Record<string, string>;
    /** The content, when it is text. */
    readonly text?: string;
    /** The content, when it is JSON. */
    readonly json?: any;
    /** The content, when it is bytes. */
    readonly body?: Uint8Array;
    /** Milliseconds. */
    readonly timeout?: number;
  }

  /** What it is answered; at most one content. 400 and more is an `HttpError` as ever. */
  export interface HttpAnswer {
    /** 200 when absent. */
    status?: number;
    headers?: { [name: string]: string | number | readonly string[] };
    json?: unknown;
    text?: string;
    xml?: string | object;
    body?: string | Uint8Array;
  }

  /** An event that comes; what is absent is as the scenario asked for it. */
  export type AwaitedEvent = Partial<import("junctor").CloudEvent>;

  /** What a mock was called with, in order. */
  export interface Mock<Call> {
    readonly calls: readonly Call[];
  }

  /**
   * Answers every step of a kind from now on; a later mock takes the place of an
   * earlier one. An error that the function throws is the step's: of
   * `"http.request"` it means that no answer came.
   *
   * `"http.request"`, `"runs.start"`, `"runs.call"`, `"waitForEvent"`,
   * `"approval.decision"` and the steps on schedules need a mock. That of a wait is
   * an event, of which as much as the test needs, and which comes at once, or `null`:
   * none comes before the timeout, which passes. That of a decision is
   * `{ choice: "approve" }` or `null` in the same way. `"kv.get"`, `"kv.set"`,
   * `"kv.delete"`, `"kv.increment"`, `"events.publish"`, `"links.event"`,
   * `"links.run"`, `"links.revoke"`, `"approval.open"`, `"sleep"`, `"now"`,
   * `"poll.begin"`, `"poll.take"` (which starts nothing: its arguments say what it
   * would) and the steps on records work without: the classes of junctor.yaml are
   * there and empty, rules that come before a change are asked, and those that
   * come after one start nothing. A test may use `records` and `kv` itself.
   *
   * ```ts
   * mock("http.request", { status: 204 });
   * mock("http.request", () => { throw new Error("connection refused"); });
   * mock("runs.call", (call) => (call.scenario === "price" ? 91 : undefined));
   * ```
   */
  export function mock(step: "http.request", answer?: HttpAnswer | ((call: HttpCall) => HttpAnswer | void | Promise<HttpAnswer | void>)): Mock<HttpCall>;
  export function mock(step: "runs.start" | "runs.call", answer?: unknown): Mock<{ scenario: string; input: any; subject?: string; ordering_key?: string; tags?: string[] }>;
  export function mock(step: "events.publish", answer?: unknown): Mock<{ type: string; subject?: string; data?: any; source?: string; time?: string; id?: string }>;
  export function mock(step: "waitForEvent", answer: AwaitedEvent | null | ((call: { type: string; subject?: string; match?: string; timeout?: number }) => AwaitedEvent | null | Promise<AwaitedEvent | null>)): Mock<{ type: string; subject?: string; match?: string; timeout?: number }>;
  export function mock(step: "links.event" | "links.run", answer?: unknown): Mock<{ type?: string; scenario?: string; subject?: string; data?: any; input?: any; title?: string; text?: string }>;
  export function mock(step: "approval.decision", answer: { choice: string; comment?: string; by?: string | null; via?: "link" | "api" } | null | ((call: { id: string; until: string }) => unknown)): Mock<{ id: string; until: string }>;
  export function mock(step: "approval.open", answer?: unknown): Mock<{ subject?: string; title?: string; text?: string; choices: { choice: string; label: string }[]; assignees: string[] }>;
  export function mock(step: "kv.get" | "kv.set" | "kv.delete" | "kv.increment" | "sleep" | "now", answer?: unknown): Mock<any>;
  export function mock(step: `schedules.${"start" | "pause" | "resume" | "next"}`, answer?: unknown): Mock<any>;
  export function mock(step: `poll.${"begin" | "take"}`, answer?: unknown): Mock<any>;
  export function mock(step: `records.${"find" | "get" | "query" | "create" | "update" | "upsert" | "delete"}`, answer?: unknown): Mock<any>;

  // ---------------------------------------------------------------- expect

  export interface Matchers {
    /** The same value, or the same object. */
    toBe(want: unknown): void;
    /** Equal in all its members; `undefined` ones do not count. */
    toEqual(want: unknown): void;
    /** Equal in the members that `want` has. */
    toMatchObject(want: object): void;
    /** A text that the expression matches, or that contains the text. */
    toMatch(want: RegExp | string): void;
    /** A text within a text, or an equal element. */
    toContain(item: unknown): void;
    toHaveLength(length: number): void;
    /** A function that throws: an error that contains the text, matches, or is of the class. */
    toThrow(want?: string | RegExp | (new (...args: any[]) => Error)): void;
    toBeDefined(): void;
    toBeUndefined(): void;
    toBeNull(): void;
    toBeTruthy(): void;
    toBeFalsy(): void;
    toBeGreaterThan(than: number | bigint): void;
    toBeLessThan(than: number | bigint): void;
    toBeInstanceOf(type: abstract new (...args: any[]) => unknown): void;
  }

  /** For promises; await what it gives. */
  export interface Rejects {
    toThrow(want?: string | RegExp | (new (...args: any[]) => Error)): Promise<void>;
  }

  /**
   * ```ts
   * expect(answer.json).toEqual({ id: 17 });
   * expect(answer.error).not.toBeDefined();
   * await expect(run("order", {})).rejects.toThrow("no mock");
   * ```
   */
  export function expect(got: unknown): Matchers & { readonly rejects: Rejects; readonly not: Matchers & { readonly rejects: Rejects } };
}
