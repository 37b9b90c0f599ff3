import { run, sleep, type Request } from "junctor";

// Sleeps until the moment that the message names.
export default async function (request: Request) {
  const { round, until } = request.json<{ round: string; until: number }>();
  run.subject(round);
  await sleep(`${Math.max(1, until - Date.now())}ms`);
}
