import { type SocketMessage } from "junctor";
import { total, type Order } from "./lib/order";

// The work of total, on a websocket.
export default async function (message: SocketMessage) {
  const order = message.json<Order>();
  return { number: order.number, total: total(order) };
}
