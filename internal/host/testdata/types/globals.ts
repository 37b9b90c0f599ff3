// Uses what globals.d.ts declares.
export default function (): string {
  console.log("a", 1);
  console.assert(new TextEncoder().encode("ž").length === 2);
  const url = new URL("/x?a=1", "https://erp.example.com");
  for (const [name, value] of url.searchParams) console.info(name, value);
  const copy = structuredClone({ at: new Date(performance.now()) });
  clearTimeout(setTimeout((text: string) => queueMicrotask(() => console.warn(text)), 10, "x"));
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  if (!URL.canParse(url)) throw new DOMException("no", "SyntaxError");
  return [copy.at, new TextDecoder("utf-8").decode(bytes), btoa("x"), atob("eA=="), crypto.randomUUID(), new URLSearchParams({ a: "1" })].join();
}
