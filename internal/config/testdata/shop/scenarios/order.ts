import { total } from "./lib/map";

export default async function (request: any) {
  return { status: 200, json: { total: total(request.json()) } };
}
