import { http, PermanentError, type Request } from "junctor";
import type { Movement } from "./lib/types";

// A stock movement is forwarded to the ERP. While the ERP is down the run waits
// and tries again; later movements of the same article wait behind it, those of
// other articles do not.
export default async function (request: Request) {
  const movement = request.json<Movement>();
  if (!movement.article || !Number.isInteger(movement.quantity)) {
    throw new PermanentError("a stock movement needs an article and a whole quantity");
  }
  await http.post("erp", "/stock", {
    json: {
      item: movement.article,
      delta: movement.quantity,
      location: movement.warehouse ?? "MAIN",
      reason: movement.reason ?? "unspecified",
    },
  });
}
