import { kv, poll, run, type Schedule } from "junctor";

// A time of the schedule: its run is about it, and leaves a mark. The poll counts
// on, three numbers at a time, of which the first has been seen.
export default async function (schedule: Schedule) {
  const second = schedule.due.slice(0, 19);
  run.subject(second);
  await kv.increment(`tick ${second}`);
  await poll("numbers", (cursor: number = 0) => ({ items: [cursor, cursor + 1, cursor + 2].map((n) => ({ n })), cursor: cursor + 2, key: "n" }), {
    scenario: "number", subject: "n",
  });
}
