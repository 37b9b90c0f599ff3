import { PermanentError, records, run, type RecordChange } from "junctor";

// cancel is a button of orders.
export default async function ({ record: order }: RecordChange<"orders">) {
  run.subject(order.number);
  if (order.state !== "new") throw new PermanentError(`the order ${order.number} is ${order.state}`);
  await records("orders").update(order.id, { state: "cancelled" }, { version: order.version });
}
