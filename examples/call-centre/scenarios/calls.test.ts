import { records } from "junctor";
import { expect, mock, run, test } from "junctor/test";

const phone = "+420777123456";
const said = (message: object) => run("telephony", { connection: "con_1", json: message });

test("the agent sees who rings", async () => {
  await records("customers").create({ phone, name: "Novak", vip: true });
  const told = mock("events.publish");
  const answer = await said({ event: "ringing", call: "c1", phone, agent: "12" });
  expect(answer.json).toEqual({ call: "c1", state: "ringing" });
  expect(told.calls[0]).toMatchObject({ type: "call.ringing", subject: "12", data: { name: "Novak", vip: true } });
  const call = await records("calls").find({ number: "c1" });
  expect(call!.state).toBe("ringing");
  expect(call!.began).toBe("2026-01-01T00:00:00Z");
});

test("a missed call is done when somebody has called back", async () => {
  await said({ event: "ringing", call: "c1", phone });
  await said({ event: "missed", call: "c1", phone });
  const record = (await records("calls").find({ number: "c1" }))!;
  mock("waitForEvent", { data: { agent: "12" } });
  await run("call_back", { change: { class: "calls", record } });
  expect(await records("tasks").find({ number: "T-00001" })).toMatchObject({ state: "done", agent: "12", due: "2026-01-01T01:00:00Z" });
});

test("after an hour it is escalated", async () => {
  await said({ event: "missed", call: "c1", phone });
  const record = (await records("calls").find({ number: "c1" }))!;
  const wait = mock("waitForEvent", null);
  const told = mock("events.publish");
  await run("call_back", { change: { class: "calls", record } });
  expect(wait.calls[0]).toMatchObject({ type: "call.dialled", subject: phone });
  expect(told.calls[0]).toMatchObject({ type: "task.escalated", subject: "T-00001" });
  expect((await records("tasks").find({ number: "T-00001" }))!.state).toBe("escalated");
});

test("contacts of the CRM become runs, and customers", async () => {
  const contact = { id: 1, phone, name: "Novak", vip: false, changed: "2026-01-01" };
  mock("http.request", { json: [contact] });
  const asked = await run("contacts");
  expect(asked.state).toBe("succeeded");
  await run("contact", { value: contact });
  expect((await records("customers").find({ phone }))!.name).toBe("Novak");
});
