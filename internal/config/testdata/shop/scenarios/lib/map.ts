export function total(order: any): number {
  return order.lines.reduce((sum: number, line: any) => sum + line.price * line.count, 0);
}
