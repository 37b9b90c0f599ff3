import { run, sleep, type Request } from "junctor";

// The sender waits while the node makes ready to be replaced.
export default async function (request: Request) {
  run.subject(request.json<{ number: string }>().number);
  await sleep("1s");
}
