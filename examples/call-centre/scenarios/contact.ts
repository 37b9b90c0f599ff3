import { records } from "junctor";
import type { Contact } from "./lib/types";

// A contact of the CRM becomes a customer, or changes one.
export default async function ({ phone, name, vip }: Contact) {
  await records("customers").upsert({ phone, name, vip });
}
