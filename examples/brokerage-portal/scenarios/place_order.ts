import { Problem, RecordError, records, respond, run, type Request } from "junctor";

export const params = {
  type: "object",
  required: ["instrument", "side", "quantity", "limit"],
  additionalProperties: false,
  properties: {
    instrument: { type: "string", description: "its ISIN" },
    side: { enum: ["buy", "sell"] },
    quantity: { type: "integer", minimum: 1 },
    limit: { type: "string", description: "the price of a piece, such as \"101.25\"" },
  },
} as const;

interface Order {
  instrument: string;
  side: "buy" | "sell";
  quantity: number;
  limit: string;
}

// A scenario has every right: that an order is one of the caller's own client is
// for it to see to.
export default async function (request: Request<Order>) {
  const { instrument: isin, side, quantity, limit } = request.params;
  const [instrument, accounts] = await Promise.all([
    records("instruments").find({ isin }),
    records("accounts").query({ filter: "client/code eq @login", params: { login: request.account!.login } }),
  ]);
  if (instrument === null) {
    throw new Problem({ status: 422, title: "unknown instrument", errors: [{ pointer: "/instrument", detail: `there is no instrument ${isin}` }] });
  }
  const account = accounts.find((one) => one.currency === instrument.currency);
  if (account === undefined) throw new Problem({ status: 403, title: "no account", detail: `you have no account in ${instrument.currency}` });
  try {
    const order = await records("orders").create({ account: account.id, instrument: instrument.id, side, quantity, limit });
    run.subject(order.number);
    respond({ status: 201, json: { number: order.number, state: order.state, amount: order.amount } });
  } catch (error) {
    throw error instanceof RecordError ? new Problem(error) : error;
  }
}
