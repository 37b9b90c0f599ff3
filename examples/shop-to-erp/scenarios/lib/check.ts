import { Problem, type Request } from "junctor";
import type { Order } from "./types";

type Complaint = { pointer: string; detail: string };

// checkOrder returns the order, or throws a Problem that names everything that is
// wrong with it at once. A Problem is an answer: nothing is tried again.
export function checkOrder(request: Request): Order {
  const order = request.json<Partial<Order>>(); // what is not JSON at all is answered with 400 by itself
  if (typeof order !== "object" || order === null || Array.isArray(order)) {
    throw new Problem({ status: 400, title: "Not an order", detail: "An order is a JSON object." });
  }

  const errors: Complaint[] = [];
  const complain = (pointer: string, detail: string) => errors.push({ pointer, detail });

  if (!order.number) complain("/number", "is required");
  if (!/^[A-Z]{3}$/.test(order.currency ?? "")) complain("/currency", "must be three letters, like EUR");
  if (!order.customer?.name) complain("/customer/name", "is required");
  if (!order.customer?.address?.country) complain("/customer/address/country", "is required");
  if (!Array.isArray(order.lines) || order.lines.length === 0) {
    complain("/lines", "needs at least one line");
  } else {
    order.lines.forEach((line, i) => {
      if (!line?.sku) complain(`/lines/${i}/sku`, "is required");
      if (!(Number.isInteger(line?.quantity) && line.quantity > 0)) complain(`/lines/${i}/quantity`, "must be a whole number above 0");
      if (!(typeof line?.price === "number" && line.price >= 0)) complain(`/lines/${i}/price`, "must be a number from 0");
    });
  }

  if (errors.length > 0) {
    throw new Problem({ status: 422, title: "The order is not valid", detail: `${errors.length} mistake(s) found.`, errors });
  }
  return order as Order;
}
