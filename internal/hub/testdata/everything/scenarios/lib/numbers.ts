export const doubled = (n: number): number => 2 * n;
