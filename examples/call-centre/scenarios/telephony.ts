import { events, now, records, run, type SocketMessage } from "junctor";
import type { CallMessage } from "./lib/types";

// Each message of the telephony: the call is kept, and whoever has to know is told.
// What it returns is the answer on the same connection.
export default async function (message: SocketMessage) {
  const { event, call, phone, agent } = message.json<CallMessage>();
  run.subject(call);
  if (event === "dialled") { // somebody calls a customer: who waits for that goes on
    await events.publish("call.dialled", { subject: phone, data: { call, agent } });
    return { call, state: event };
  }
  const customer = await records("customers").find({ phone });
  const known = await records("calls").find({ number: call });
  await records("calls").upsert({
    number: call, phone, customer: customer?.id ?? null, state: event,
    ...(agent && { agent }),
    ...(!known && { began: (await now()).toISOString() }),
  });
  if (event === "ringing") { // a pop-up on the agent's desktop
    await events.publish("call.ringing", { subject: agent ?? "all", data: { call, phone, name: customer?.name ?? null, vip: customer?.vip ?? false } });
  }
  return { call, state: event };
}
