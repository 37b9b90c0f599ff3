import { http, HttpError, Problem, type Request } from "junctor";
import { checkOrder } from "./lib/check";
import { toErpOrder, total } from "./lib/erp";

// An order comes in from the shop, goes to the ERP, and the ERP's number goes
// back. The call to the ERP is a step: once its answer is in the journal it is
// never made again, whatever crashes.
export default async function (request: Request) {
  const order = checkOrder(request);

  let answer;
  try {
    answer = await http.post("erp", "/orders", { xml: toErpOrder(order) });
  } catch (error) {
    // The ERP understood the order and does not want it: that is an answer for
    // the shop. Everything else is a failure and goes its usual way.
    if (error instanceof HttpError && error.status === 422) {
      throw new Problem({ status: 422, title: "The ERP refused the order", detail: error.text() });
    }
    throw error;
  }

  const { receipt } = answer.xml();
  return {
    status: 201,
    json: { number: order.number, erp_number: receipt.number, total: total(order).toNumber(), currency: order.currency },
  };
}
