import { total } from "./lib/map";

export default function (request) {
  return total(request.json());
}
