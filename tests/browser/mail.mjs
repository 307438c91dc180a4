// A mail server for tests: takes every mail and keeps it.
import { createServer } from "node:net";

/** Listens on a port of its own; `mails` grows by `{ to, text }`. */
export async function inbox() {
  const mails = [];
  const server = createServer((socket) => {
    let buffer = "";
    let body = null;
    let to = [];
    const say = (line) => socket.write(`${line}\r\n`);
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      buffer += chunk;
      for (let end = buffer.indexOf("\r\n"); end >= 0; end = buffer.indexOf("\r\n")) {
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (body !== null) {
          if (line === ".") {
            mails.push({ to, text: decoded(body.join("\n")) });
            [body, to] = [null, []];
            say("250 kept");
          } else body.push(line.replace(/^\./, ""));
          continue;
        }
        const verb = line.slice(0, 4).toUpperCase();
        if (verb === "RCPT") to.push(line.match(/<([^>]*)>/)?.[1] ?? "");
        if (verb === "DATA") {
          body = [];
          say("354 go on");
        } else say(verb === "QUIT" ? "221 bye" : "250 ok");
        if (verb === "QUIT") socket.end();
      }
    });
    say("220 test");
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const env = { MAIL_TYPE: "smtp", SMTP_SERVER: "127.0.0.1", SMTP_PORT: String(server.address().port), MAIL_DEFAULT_SEND_FROM: "Oxidify <ox@example.com>" };
  /** The newest mail to an address, when there are so many. */
  const wait = async (address, count = 1) => {
    for (let tries = 0; tries < 200; tries++) {
      const found = mails.filter((mail) => mail.to.includes(address));
      if (found.length >= count) return found.at(-1).text;
      await new Promise((later) => setTimeout(later, 100));
    }
    throw new Error(`no mail to ${address}; there are ${JSON.stringify(mails)}`);
  };
  return { env, mails, wait, close: () => server.close() };
}

/** Parts in base64 and quoted-printable as text: enough to read a code. */
function decoded(text) {
  const base64 = text.replace(/^[A-Za-z0-9+/=\n]{16,}$/gm, (block) => Buffer.from(block, "base64").toString("utf8"));
  return base64.replace(/=\n/g, "").replace(/(=[0-9A-F]{2})+/g, (run) => Buffer.from(run.replaceAll("=", ""), "hex").toString("utf8"));
}
