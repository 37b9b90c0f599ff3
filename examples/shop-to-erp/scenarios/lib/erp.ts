import { decimal } from "junctor";
import type { Order } from "./types";

// total of an order, exact: money is not for floating point.
export function total(order: Order) {
  return decimal.sum(order.lines.map((line) => decimal(line.price).times(line.quantity)));
}

// toErpOrder maps the shop's order to the ERP's document: <salesOrder>...</salesOrder>.
export function toErpOrder(order: Order) {
  const { customer } = order;
  return {
    salesOrder: {
      externalNumber: order.number,
      currency: order.currency,
      buyer: {
        name: customer.name,
        email: customer.email,
        address: [customer.address.street, `${customer.address.zip} ${customer.address.city}`, customer.address.country]
          .filter((part) => part?.trim())
          .join(", "),
      },
      items: {
        item: order.lines.map((line, i) => ({
          position: (i + 1) * 10,
          code: line.sku,
          quantity: line.quantity,
          unitPrice: decimal(line.price).toFixed(2),
        })),
      },
      total: total(order).toFixed(2),
      remark: order.note ?? "",
    },
  };
}
