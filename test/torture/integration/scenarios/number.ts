import { kv } from "junctor";

// An item of the poll.
export default async function (item: { n: number }) {
  await kv.increment(`number ${item.n}`);
}
