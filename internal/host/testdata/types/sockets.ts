import { sockets, Problem, type Socket, type SocketMessage } from "junctor";

export async function validate(message: SocketMessage) {
  return message.remoteAddress !== "" && message.data !== "";
}

export default async function (message: SocketMessage) {
  const { action } = message.json<{ action: string }>();
  if (action === "") throw new Problem({ status: 422, title: message.startparam(1) + message.startparam(2) });
  const code: string = message.channel.code, role: string | undefined = message.role;
  const to: number = await sockets.send(message.connection, { code, role, path: message.path, query: message.query["x"] });
  await sockets.send(message.channel, new Uint8Array([1]));
  const all: Socket[] = await sockets.list(message.channel);
  for (const one of all) await sockets.close(one.id, 4000, one.remoteAddress + one.openedAt);
  await sockets.close(message.connection);
  return typeof message.data === "string" ? message.text() : [to, message.body.length, message.mode === "test"];
}

// @ts-expect-error a websocket's message has two parameters only
export const third = (message: SocketMessage) => message.startparam(3);
// @ts-expect-error there is nobody to send to
export const nobody = () => sockets.send("con_1");
