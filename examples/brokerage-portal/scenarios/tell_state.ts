import { events, type RecordChange } from "junctor";

// tell_state comes after a change, in a run of its own.
export default async function ({ record: order, before }: RecordChange<"orders">) {
  await events.publish(`order.${order.state}`, {
    subject: order.number,
    data: { number: order.number, amount: order.amount, was: before?.state ?? null },
  });
}
