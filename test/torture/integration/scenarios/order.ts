import { events, http, kv, run, type Request } from "junctor";

// Steps to the outside with steps inside before, between and after them.
export default async function (request: Request) {
  const { number } = request.json<{ number: string }>();
  run.subject(number);
  await kv.increment(`${number}:before`);
  await http.post("sink", "/first", { json: { number } });
  await Promise.all([
    http.post("sink", "/second", { json: { number } }),
    kv.increment(`${number}:between`),
  ]);
  await http.post("sink", "/third", { json: { number } });
  await kv.increment(`${number}:after`);
  await events.publish("order.done", { subject: number, data: { number } });
  return { number };
}
