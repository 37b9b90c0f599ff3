import { log, type Request } from "junctor";
import { doubled } from "./lib/numbers";

// A comment that an export has to keep.
export default async function (request: Request) {
  log.info("doubled", doubled(request.json<{ n: number }>().n));
}
