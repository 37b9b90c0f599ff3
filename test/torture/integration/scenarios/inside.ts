import { kv, run, type Request } from "junctor";

// Nothing goes outside: everything is written in one commit at the end.
export default async function (request: Request) {
  const { number } = request.json<{ number: string }>();
  run.subject(number);
  await kv.increment(`${number}:inside`);
  return { number };
}
