// A webhook receiver: believes what is signed, takes each event once.   npm install
//
// WEBHOOK_SECRET=whsec_… RECEIVER_PORT=9000 node receiver.mjs
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const taken = new Set(); // in a shop: a table with a unique column, written in the transaction that does the work

createServer(async (request, response) => {
  let event;
  try {
    const parts = [];
    for await (const part of request) parts.push(part); // throws if the sender breaks off
    event = webhook.verify(Buffer.concat(parts).toString(), request.headers);
  } catch {
    return response.writeHead(401).end();
  }
  const id = request.headers["webhook-id"];
  if (!taken.has(id)) {
    taken.add(id);
    const about = event.payment ?? event;
    console.log(request.headers["harvester-event"], about.id ?? "-", about.status ?? about.class ?? "-");
  }
  response.writeHead(204).end();
}).listen(Number(process.env.RECEIVER_PORT ?? 9000), "127.0.0.1");
