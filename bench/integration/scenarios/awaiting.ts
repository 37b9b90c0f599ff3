import { run, waitForEvent, type Request } from "junctor";

// Waits for the event that the message names.
export default async function (request: Request) {
  const { round, number } = request.json<{ round: string; number: string }>();
  run.subject(round);
  await waitForEvent("bench.paid", { subject: `${round}/${number}`, timeout: "1d" });
}
