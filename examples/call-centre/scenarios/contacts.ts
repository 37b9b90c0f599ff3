import { http, poll, type Schedule } from "junctor";
import type { Contact } from "./lib/types";

// Asks the CRM for contacts that have changed since the last time, and starts a
// run for each. Where it has come to, what it has seen, and the runs are stored
// together.
export default async function (_: Schedule) {
  const { runs, known } = await poll("contacts", async (cursor: string | undefined) => {
    const answer = await http.get("crm", "/contacts", { query: { since: cursor ?? "" } });
    const contacts = answer.json<Contact[]>();
    return { items: contacts, cursor: contacts.at(-1)?.changed ?? cursor, key: (contact) => `${contact.id} ${contact.changed}` };
  }, { scenario: "contact", subject: "phone", ordering_key: "phone" });
  return { started: runs.length, known };
}
