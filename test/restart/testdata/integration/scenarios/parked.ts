import { kv, run, sleep, type Request } from "junctor";

// Long enough to be waiting on disk while the process is replaced.
export default async function (request: Request) {
  run.subject(request.json<{ number: string }>().number);
  await kv.increment("before");
  await sleep("3s");
  await kv.increment("after");
}
