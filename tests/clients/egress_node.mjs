// Node's own HTTP client and undici behind the egress proxy; test_egress_proxy.py starts both ends.
// Prints one JSON object: what each way of calling got.
import { readFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import tls from "node:tls";

const { PROXY, PLAIN, TLS, CA, UNDICI } = process.env;
const proxy = new URL(PROXY);
const ca = readFileSync(CA);

function text(stream) {
	return new Promise((resolve, reject) => {
		const pieces = [];
		stream.on("data", (piece) => pieces.push(piece));
		stream.on("end", () => resolve(Buffer.concat(pieces).toString()));
		stream.on("error", reject);
	});
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

/** One absolute-form request; the answer and the local port it came in on. */
function relayed(url, { method = "GET", headers = {}, body } = {}) {
	return new Promise((resolve, reject) => {
		const options = { host: proxy.hostname, port: proxy.port, path: url, method, agent, headers };
		const request = http.request(options, async (answer) => {
			const port = request.socket.localPort;
			resolve({ status: answer.statusCode, via: answer.headers.via, port, text: await text(answer) });
		});
		request.on("error", reject);
		// The proxy may hang up on what it has answered already.
		request.on("socket", (socket) => socket.setMaxListeners(0).on("error", () => {}));
		for (const piece of body ?? []) request.write(piece);
		request.end();
	});
}

/** A tunnel to host:port, or the proxy's refusal. */
function tunnel(target) {
	return new Promise((resolve, reject) => {
		const request = http.request({ host: proxy.hostname, port: proxy.port, method: "CONNECT", path: target });
		request.on("connect", (answer, socket) => {
			socket.on("error", () => {});
			if (answer.statusCode === 200) resolve({ status: 200, socket });
			else {
				socket.destroy();
				resolve({ status: answer.statusCode, via: answer.headers.via });
			}
		});
		request.on("error", reject);
		request.end();
	});
}

function spoken(socket, servername, words) {
	return new Promise((resolve, reject) => {
		const secured = tls.connect({ socket, servername, ca }, async () => {
			const answer = text(secured);
			// The end of the request half is sent at once, the answer comes afterwards.
			secured.end(words);
			resolve(await answer);
		});
		secured.on("error", reject);
	});
}

const out = {};
const first = await relayed(`http://127.0.0.1:${PLAIN}/a`);
const second = await relayed(`http://127.0.0.1:${PLAIN}/b`);
out.relayed = [first.status, first.text, second.text];
out.reused = first.port === second.port;
const pieces = Array.from({ length: 128 }, () => Buffer.alloc(65536, "u"));
out.upload = (await relayed(`http://127.0.0.1:${PLAIN}/up`, { method: "PUT", body: pieces })).text;
out.big = (await relayed(`http://127.0.0.1:${PLAIN}/big`)).text.length;
const refused = await relayed("http://169.254.169.254/latest/");
out.refused = [refused.status, /squid/.test(refused.via)];
const long = await relayed(`http://127.0.0.1:${PLAIN}/`, { headers: { "x-long": "l".repeat(70_000) } });
out.long = long.status;
agent.destroy();

const closed = await tunnel("10.0.0.5:443");
out.closed = [closed.status, /squid/.test(closed.via)];
const open = await tunnel(`localhost:${TLS}`);
const words = `GET /t HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
out.tunnel = (await spoken(open.socket, "localhost", words)).split("\r\n\r\n")[1];

if (UNDICI) {
	const { ProxyAgent, request } = createRequire(UNDICI)("undici");
	const dispatcher = new ProxyAgent({ uri: PROXY, requestTls: { ca } });
	const called = async (url) => {
		try {
			const answer = await request(url, { dispatcher });
			return [answer.statusCode, await answer.body.text()];
		} catch (error) {
			return [0, `${error.message} ${error.cause?.message ?? ""}`];
		}
	};
	out.undici = await called(`https://localhost:${TLS}/u`);
	out.undici_again = await called(`https://localhost:${TLS}/v`);
	out.undici_refused = await called("https://10.0.0.5/");
	// It tunnels plain http too, which a strict proxy closes.
	out.undici_plain = await called(`http://127.0.0.1:${PLAIN}/w`);
	await dispatcher.close();
}
console.log(JSON.stringify(out));
