import { events, kv, run, sleep, waitForEvent, PermanentError, type Request } from "junctor";

// Waits for events that come before the wait, together with it, and after the
// run has been put aside.
export default async function (request: Request) {
  const { number } = request.json<{ number: string }>();
  run.subject(number);
  await kv.increment(`${number}:begun`);
  const wait = async (n: number) => {
    const event = await waitForEvent<number>("torture.told", { subject: number, timeout: "1h" });
    if (event?.data !== n) throw new PermanentError(`${number} waited for event ${n} and got ${JSON.stringify(event)}`);
  };
  const tell = (n: number) => events.publish("torture.told", { subject: number, data: n });
  await tell(1);
  await wait(1);
  await Promise.all([wait(2), tell(2)]);
  await Promise.all([wait(3), sleep("1s").then(() => tell(3))]);
  await Promise.all([tell(4), tell(5)]);
  await wait(4);
  await wait(5);
  await kv.increment(`${number}:come`);
}
