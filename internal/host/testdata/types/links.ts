// Uses links and approvals as their reader would.
import { approval, links, log, type Decision, type OpenApproval, type Request } from "junctor";

export default async function (request: Request) {
  const urls: string[] = [
    await links.event("a.b", { subject: 7, data: { n: 1 }, title: "t", text: "x", button: "b", done: "d", expires: "14d", uses: 5, confirm: false }),
    await links.run("other"), await links.run("other", [1], { subject: "s", tags: ["a"], uses: "unlimited", expires: new Date(0) }),
  ];
  const ended: boolean = await links.revoke(urls[0] ?? "");
  // @ts-expect-error there is no such number of uses
  await links.event("a.b", { uses: "many" });
  // @ts-expect-error a run's link has no data
  await links.run("other", 1, { data: 1 });

  const plain: Decision | null = await approval({ subject: request.json().number });
  if (plain?.choice === "reject") return plain.comment + plain.by?.length + plain.via + plain.at.getTime();
  // @ts-expect-error there may be no decision
  plain.choice;
  const open: OpenApproval<"yes" | "no"> = await approval.open({ choices: ["yes", "no"], assignees: ["eve"], timeout: new Date(1), title: "t", text: "x" });
  const url: string = open.links.yes + (open.personal["eve"]?.no ?? "");
  // @ts-expect-error there is no such choice
  open.links.maybe;
  const decided = await open.decision({ reminder: "1d", notify: (a, n) => log(a.links.yes, n + 1, ended, url) });
  // @ts-expect-error there is no such choice
  if (decided?.choice === "maybe") return;
  const labelled = await approval({ choices: { go: "Let it go", stop: "Stop it" }, notify: async (a) => log(a.links.go, a.id, a.expiresAt), reminder: 86_400_000 });
  return labelled?.choice === "go" ? open.id : undefined;
}
