import { approval, http, kv, run, PermanentError, type Request } from "junctor";

// Asks somebody outside, who decides by the link when he can reach the server.
export default async function (request: Request) {
  const { number } = request.json<{ number: string }>();
  run.subject(number);
  const question = await approval.open({ subject: number, choices: ["yes", "no"], timeout: "1h" });
  await http.post("sink", "/decide", { json: { number, link: question.links.yes } });
  const decision = await question.decision();
  if (decision?.choice !== "yes") throw new PermanentError(`${number} was decided yes and got ${JSON.stringify(decision)}`);
  await kv.increment(`${number}:decided`);
}
