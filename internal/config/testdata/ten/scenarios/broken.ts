import { missing } from "./lib/nothing";
import { total } from "./lib/map";

export default async function (request) {
  const order = total(request.json();
}
