import { kv, run, type Request } from "junctor";

export default async function (request: Request) {
  const { number } = request.json<{ number: string }>();
  run.subject(number);
  await kv.set(`order:${number}`, true);
  return { number };
}
