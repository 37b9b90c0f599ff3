import { events, http, kv, run, type SocketMessage } from "junctor";

// A message of a websocket: a step outside, one inside, an event, and an answer.
export default async function (message: SocketMessage) {
  const { number } = message.json<{ number: string }>();
  run.subject(number);
  await http.post("sink", "/said", { json: { number } });
  await kv.increment(`${number}:said`);
  await events.publish("talk.said", { subject: number });
  return { number };
}
