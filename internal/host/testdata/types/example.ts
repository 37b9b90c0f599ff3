// Uses everything that junctor.d.ts declares, as its reader would.
import {
  base64, channel, crypto, csv, decimal, encoding, http, HttpError, kv, log, now, PermanentError, Problem, respond, run, runs, sleep, Unauthorized, xml,
  type Answer, type Decimal, type HttpResponse, type Request, type RequestPart, type XmlElement,
} from "junctor";

interface Order { number: string; customer: string; items: { code: string; price: string; count: number }[] }

export async function validate(request: Request): Promise<boolean> {
  const mine = crypto.hmac("sha256", "secret", request.body, "base64");
  if (!request.header("X-Signature")) throw new Unauthorized("no signature");
  const seen: number = await kv.increment(`seen/${request.remoteAddress}`, 1, { ttl: "1d" });
  return seen < 100 && crypto.timingSafeEqual(mine, request.headers["x-signature"] ?? "");
}

function total(order: Order): Decimal {
  return decimal.sum(order.items.map((i) => decimal(i.price).times(i.count))).round(2, "half-even");
}

export default async function (request: Request): Promise<Answer | undefined> {
  const order = request.json<Order>();
  run.subject(order.number);
  run.tag("orders", order.customer);
  const files: RequestPart[] = request.parts().filter((part) => part.filename !== undefined && part.header("content-type") === part.type);
  const sent: string[][] = request.csv({ header: false }), cells = request.csv<"code">({ delimiter: ";" }).map((row) => row.code + files[0]?.text());
  log(sent, cells, files.map((file) => [file.name, file.headers["x-kind"], file.body.length]), request.form()["note"]);
  const page: string | undefined = request.query["page"] ?? request.queryAll["pages"]?.[0];
  const [code, method, headers]: [string, string, [string, string][]] = [request.startparam(1).code, request.startparam(2), request.startparam(5)];
  log("order", order.number, { page, code, method, headers, channel: channel.code, attempt: run.attempt });
  log.warn(request.startparam(7), request.mode, run.mode);
  if (total(order).lt(0)) throw new Problem({ status: 422, title: "negative total", errors: [{ pointer: "/items", detail: "sum" }], more: 1 });

  respond({ status: 202, headers: { "x-order": order.number, "set-cookie": ["a=1", "b=2"] }, json: { accepted: true } });
  try {
    const answer: HttpResponse = await http.post("erp", "/orders", {
      xml: { order: { "@number": order.number, item: order.items } }, query: { mode: run.mode }, headers: { "x-run": run.id }, timeout: "10s",
    });
    const { result } = answer.xml<{ result: { id: string } }>({ array: ["item"] });
    await kv.set(`order/${order.number}`, { id: result.id, at: await now() }, { ttl: "30d" });
  } catch (error) {
    if (error instanceof HttpError && error.status === 409) throw new PermanentError("already there", { cause: error });
    throw error;
  }
  const maybe = await http.get("erp", `/orders/${order.number}`, { throw: false });
  if (!maybe.ok) await sleep("1h30m");
  await http.request("erp", "/orders", { method: "PUT", body: encoding.encode("žluť", "windows-1250", { replace: true }) });
  await channel.external.post("/ack", { headers: { authorization: `Bearer ${channel.external.primaryToken}` } });
  await http.get(channel.external, "/ping");

  const known = await kv.get<{ id: string }>("order/1");
  const started = await runs.start("notify", order, { subject: order.number, ordering_key: order.customer, tags: ["n"] });
  const score = await runs.call<number>("score", { id: known?.id, run: started.id });
  const tree: XmlElement = xml.parse("<a/>", { ordered: true });
  const bytes: Uint8Array = xml.encode({ a: { b: [1, 2] } }, { encoding: "windows-1250", indent: 2 });
  const rows: string[][] = csv.parse("a;b", { header: false, delimiter: ";" });
  const named = csv.parse<"code" | "name">(encoding.decode(bytes, "latin2"), { trim: true });
  const text = csv.stringify(named.map((r) => ({ code: r.code, total: decimal(1), at: new Date() })), { neutraliseFormulas: true });
  await kv.delete("order/2");
  return {
    status: 200,
    text: [text, tree.name, rows.length, score, base64.decodeText(base64.encodeUrl(text)), crypto.randomUUID(), crypto.hash("sha1", crypto.randomBytes(4))].join(),
  };
}
