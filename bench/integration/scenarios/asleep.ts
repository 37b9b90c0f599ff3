import { now, run, sleep, type Request } from "junctor";

// Sleeps until the moment that the message names. A run's Date.now() is when it
// was accepted, which may be seconds ago while 10,000 of them come in.
export default async function (request: Request) {
  const { round, until } = request.json<{ round: string; until: number }>();
  run.subject(round);
  await sleep(`${Math.max(1, until - (await now()).getTime())}ms`);
}
