import { kv } from "junctor";

export default async () => ({ counted: await kv.get("counted"), before: await kv.get("before"), after: await kv.get("after") });
