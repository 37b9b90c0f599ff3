import { kv, run, type Request } from "junctor";

export default async function (request: Request) {
  run.subject(request.json<{ number: string }>().number);
  return { count: await kv.increment("counted") };
}
