export interface Order {
  number: string;
  lines: { sku: string; quantity: number; price: number }[];
}

export function total(order: Order): number {
  let sum = 0;
  for (const line of order.lines) sum += line.quantity * line.price;
  return sum;
}
