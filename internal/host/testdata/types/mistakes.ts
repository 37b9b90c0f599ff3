// Each line that follows a @ts-expect-error is a mistake that the types find.
import { crypto, csv, decimal, http, HttpError, kv, Problem, run, xml, type Request } from "junctor";

export default async function (request: Request) {
  // @ts-expect-error there is no such algorithm
  crypto.hash("sha3", "x");
  // @ts-expect-error operators do not work on decimals
  decimal(1) * decimal(2);
  // @ts-expect-error there is no such rounding
  decimal(1).round(2, "bankers");
  // @ts-expect-error there is no such option
  await http.get("erp", "/x", { retries: 3 });
  // @ts-expect-error a value may be missing
  (await kv.get<string>("k")).length;
  // @ts-expect-error the request cannot be changed
  request.method = "GET";
  // @ts-expect-error startparam goes to 7
  request.startparam(8);
  // @ts-expect-error a query parameter may be missing
  request.query["a"].length;
  // @ts-expect-error a problem's status is a number
  throw new Problem({ status: "422" });
  // @ts-expect-error the errors of http are made by http
  new HttpError("x");
  // @ts-expect-error the run's id is given
  run.id = "x";
  // @ts-expect-error a document is a text or bytes
  xml.parse({});
  // @ts-expect-error rows are objects or lists
  csv.stringify(["a"]);
}
