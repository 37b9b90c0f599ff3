import { events, now, records, run, waitForEvent, type RecordChange } from "junctor";

// A call was missed: a task that is done as soon as somebody has called back, and
// escalated after an hour. The run waits on disk, not in memory.
export default async function (change: RecordChange<"calls">) {
  const { phone, customer_id: customer } = change.record;
  run.subject(phone);
  const due = new Date((await now()).getTime() + 3600_000);
  const task = await records("tasks").create({ phone, customer, due: due.toISOString() });
  const dialled = await waitForEvent<{ agent: string }>("call.dialled", { subject: phone, timeout: "1h" });
  if (dialled) {
    await records("tasks").update(task.id, { state: "done", agent: dialled.data?.agent });
    return;
  }
  await records("tasks").update(task.id, { state: "escalated" });
  await events.publish("task.escalated", { subject: task.number, data: { phone, customer } });
}
