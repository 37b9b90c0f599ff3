// Verifies deliveries, each a line of JSON: {secret, headers, body}.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

for (const line of readFileSync(0, "utf8").trim().split("\n")) {
  const { secret, headers, body } = JSON.parse(line);
  const event = new Webhook(secret).verify(body, headers);
  let refused = 0;
  for (const bad of [body.replace("order", "ordre"), body + " "]) {
    try { new Webhook(secret).verify(bad, headers); } catch { refused++; }
  }
  console.log(event.id, refused);
}
