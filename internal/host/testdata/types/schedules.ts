import { http, poll, run, schedules, type PollFound, type Schedule } from "junctor";

interface Order { id: number; changed: string; customer: { code: string } }

async function changed(since: string | undefined): Promise<PollFound<Order>> {
  const items = (await http.get("shop", "/orders", { query: { since: since ?? "" } })).json<Order[]>();
  return { items, cursor: items.at(-1)?.changed, key: (order) => `${order.id} ${order.changed}` };
}

export default async function (schedule: Schedule<{ from: string }>) {
  run.subject(schedule.code);
  const late: number = schedule.lateBy, last: string = schedule.previous ?? schedule.due, from: string = schedule.input.from;
  const got = await poll<Order, string>("orders", changed, { scenario: "order", subject: "id", ordering_key: (order) => order.customer.code, tags: ["polled"], keep: "90d", first: "remember" });
  const named = await poll("parts", async (cursor: number = 0) => ({ items: [{ id: cursor }], cursor: cursor + 1, key: "id" }), { scenario: "part" });
  const { id } = await schedules.start("report", { from });
  const next: Date[] = await schedules.next("report", 3);
  if (id === null) await schedules.pause("report");
  await schedules.resume("report");
  return { late, last, runs: got.runs.length + named.known, manual: schedule.manual, next: next[0]?.getTime() };
}
