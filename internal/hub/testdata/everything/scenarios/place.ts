import type { Request } from "junctor";

export const params = { type: "object", properties: { code: { type: "string" }, deep: {} }, required: ["code"] };

export default async (request: Request) => request.params;
