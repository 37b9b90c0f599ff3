import { decimal, records, run, Problem, RecordError, type Decimal, type RecordChange } from "junctor";

export default async function (change: RecordChange<"orders">) {
  const total: Decimal | null = change.record.total;
  const before: string | undefined = change.before?.number;
  run.subject(`${change.class} ${change.action} ${before} ${change.account?.login} ${change.changed[0]}`);

  const orders = records("orders");
  const found = await orders.find({ number: "1" }, { expand: ["customer", "customer/country"] });
  if (found === null) throw new Problem({ status: 404 });
  const name: string | null | undefined = found.customer?.country?.name;
  const made = await orders.create({ number: "2", customer: { code: "C1" }, total: "10.10", received: new Date(), state: "new", extra: { name } });
  const result: "created" | "updated" | "unchanged" = made.$result;
  await orders.upsert({ number: "2", customer_id: made.customer_id, total: decimal(1), note: undefined, pieces: 10n });
  await orders.update(made.id, { state: null, customer: found.id }, { version: made.version });
  await orders.update({ number: "2" }, { paid: true });
  const gone: boolean = await orders.delete({ id: made.id });
  const [first] = await orders.query({ filter: "total gt @t", params: { t: total, some: ["a"] }, select: ["number", "id"], orderby: "number", top: 10, expand: ["customer"] });
  const state: "new" | "done" | null = (await orders.get("x"))?.state ?? null;
  try { await orders.create({ number: "3" }); } catch (error) {
    if (error instanceof RecordError && error.status === 409) throw new Problem(error);
  }
  return { first: first?.number, gone, state, result, serial: made.serial.toFixed(), created: made.created_at };
}

export async function mistakes() {
  const orders = records("orders");
  // @ts-expect-error there is no such class
  records("order");
  // @ts-expect-error a column is missing
  await orders.create({ total: 1 });
  // @ts-expect-error there is no such column
  await orders.update("id", { totl: 1 });
  // @ts-expect-error it is computed
  await orders.update("id", { twice: 1 });
  // @ts-expect-error it numbers itself
  await orders.update("id", { serial: 1 });
  // @ts-expect-error there is no such value
  await orders.update("id", { state: "old" });
  // @ts-expect-error that is no key
  await orders.find({ total: 1 });
  // @ts-expect-error that is no ref
  await orders.query({ expand: ["total"] });
  // @ts-expect-error it was not selected
  (await orders.query({ select: ["number"] }))[0]?.total;
  // @ts-expect-error it may be none
  (await orders.find({ number: "1" })).total;
  // @ts-expect-error operators do not work on decimals
  (await orders.get("1"))!.total! * 2;
}
