import { decimal, Problem, records, type RecordChange } from "junctor";

// check_order comes before each change of an order: it refuses what cannot be
// traded, and sets the amount.
export default async function ({ record: order }: RecordChange<"orders">) {
  const [instrument, account] = await Promise.all([
    records("instruments").get(order.instrument_id),
    records("accounts").get(order.account_id),
  ]);
  if (instrument === null || account === null) return; // that is refused in any case
  if (order.quantity % instrument.lot !== 0) refuse("/quantity", `must be a multiple of ${instrument.lot}`);
  if (account.currency !== instrument.currency) refuse("/account", `is in ${account.currency}, and ${instrument.isin} in ${instrument.currency}`);
  const amount = decimal(order.limit).times(order.quantity).round(2);
  if (order.side === "buy" && amount.gt(account.cash)) refuse("/quantity", `comes to ${amount.toString()}, and there are ${account.cash.toString()}`);
  return { amount };
}

function refuse(pointer: string, detail: string): never {
  throw new Problem({ status: 422, title: "the order cannot be placed", errors: [{ pointer, detail }] });
}
