import { type Request } from "junctor";
import { total, type Order } from "./lib/order";

// Without effects: what it costs to run a scenario at all.
export default async function (request: Request) {
  const order = request.json<Order>();
  return { status: 201, json: { number: order.number, total: total(order) } };
}
