import { kv, type Request } from "junctor";

// What the counters of the other scenarios show.
export default async function (request: Request) {
  const counts: Record<string, number> = {};
  for (const key of request.json<string[]>()) {
    counts[key] = Number((await kv.get(key)) ?? 0);
  }
  return counts;
}
