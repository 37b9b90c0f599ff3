import type { Order } from "./types";

// total of an order, counted in whole cents so that nothing is lost to rounding.
export function total(order: Order): number {
  let cents = 0;
  for (const line of order.lines) cents += Math.round(line.price * 100) * line.quantity;
  return cents / 100;
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
          unitPrice: line.price.toFixed(2),
        })),
      },
      total: total(order).toFixed(2),
      remark: order.note ?? "",
    },
  };
}
