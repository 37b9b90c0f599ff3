import { PermanentError, RecordError, records, run, type RecordChange } from "junctor";

// approve is a button of orders. Whoever approves an order first has done it: its
// version decides. Then the money moves; if it is not there any more, the order
// is new again.
export default async function ({ record: order }: RecordChange<"orders">) {
  run.subject(order.number);
  if (order.state !== "new") throw new PermanentError(`the order ${order.number} is ${order.state}`);
  const approved = await records("orders").update(order.id, { state: "approved" }, { version: order.version });
  try {
    await move();
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    await records("orders").update(order.id, { state: "new" }, { version: approved.version });
    throw new PermanentError(`the order ${order.number} cannot be paid: ${error.message}`, { cause: error });
  }

  // move books the amount; when somebody has changed the account meanwhile, again.
  async function move(): Promise<void> {
    const account = (await records("accounts").get(order.account_id))!;
    const cash = order.side === "buy" ? account.cash.minus(order.amount!) : account.cash.plus(order.amount!);
    try {
      await records("accounts").update(account.id, { cash }, { version: account.version });
    } catch (error) {
      if (!(error instanceof RecordError && error.status === 412)) throw error;
      await move();
    }
  }
}
