import { http, kv, type Request } from "junctor";
import { total, type Order } from "./lib/order";

// The whole way: one step to the outside, one inside.
export default async function (request: Request) {
  const order = request.json<Order>();
  await http.post("sink", "/orders", { json: { number: order.number, total: total(order) } });
  await kv.set(`order:${order.number}`, { total: total(order), lines: order.lines.length });
}
