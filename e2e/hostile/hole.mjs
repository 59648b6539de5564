// The control of the hostile scenario: makes holes. A proxy before the browser rewrites the server's answers so that what was escaped is not,
// in one part of the page at a time. A probe that sees nothing then is blind there, and its silence about the real answers is worth nothing.
// (Not a route of Playwright: with one the browser keeps nothing, and loads every script for every page.)

import { createServer, request as ask } from "node:http";
import { connect } from "node:net";

const PARTS = {
  head: [/<head>/, /<\/head>/],
  top: [/<header class="top">/, /<\/header>/],
  tree: [/<nav class="tree"/, /<\/nav>/],
  crumbs: [/<div class="bar">/, /<main/],
  main: [/<main/, /<\/main>/],
  aside: [/<aside/, /<\/aside>/],
  foot: [/<footer class="foot">/, /<\/footer>/],
};

/** Addresses of attachments. */
const FILE = /\/[at]\/|\.(html|svg)$/;

/** Text as a server would send it that forgot to escape; twice, because names of people hold no `<`, so theirs are references already. */
export function opened(text) {
  let open = text;
  for (const _round of [1, 2]) {
    open = open
      .replaceAll(/&(lt|#60|#x3c);?/gi, "<")
      .replaceAll(/&(gt|#62|#x3e);?/gi, ">")
      .replaceAll(/&(quot|#34|#x22);/gi, '"')
      .replaceAll(/&(apos|#39|#x27);/gi, "'")
      .replaceAll(/&(amp|#38|#x26);/gi, "&");
  }
  return open;
}

function openedPart(html, part) {
  const [from, to] = PARTS[part];
  const start = html.search(from);
  if (start < 0) return html;
  // The end that the server wrote comes last: what was typed may hold the same tag, but escaped.
  const length = html.slice(start).search(to);
  const end = length < 0 ? html.length : start + length;
  return html.slice(0, start) + opened(html.slice(start, end)) + html.slice(end);
}

/** Text without the escapes of addresses. */
export const percentDecoded = (text) => text.replaceAll(/(%[0-9a-f]{2})+/gi, (run) => { try { return decodeURIComponent(run); } catch { return run; } });

/** The hole of a place: `part` is a part of the page, or `preview`, `corner`, `raw` (anything that is no page), `file` (an attachment), `drawing`. */
export const hole = (part) => ({ url, document, type, headers, text }) => {
  const preview = part === "preview" && url.pathname.endsWith("/preview");
  if (PARTS[part] && document && type.startsWith("text/html")) return { body: openedPart(text(), part) };
  if (preview && type.startsWith("application/json")) {
    const json = JSON.parse(text());
    return { body: JSON.stringify({ ...json, preview_content: opened(json.preview_content) }) };
  }
  if (part === "corner" && url.pathname === "/-/me") {
    const json = JSON.parse(text());
    return { body: JSON.stringify({ ...json, name: json.name && opened(json.name) }) };
  }
  if (part === "corner" && /\/-\/static\/holt\..*js$/.test(url.pathname)) {
    const made = "for (const child of children) typeof child === 'string' ? element.insertAdjacentHTML('beforeend', child) : element.append(child);";
    return { body: text().replace("element.append(...children);", made) };
  }
  if (part === "drawing" && /\/-\/static\/diagram-frame\..*js$/.test(url.pathname)) return { body: text().replace("const { svg } =", "document.body.insertAdjacentHTML('beforeend', text); const { svg } =") };
  if (part === "raw" && document) return { body: opened(percentDecoded(text())).replaceAll('\\"', '"'), type: "text/html; charset=utf-8" };
  if (part === "file" && FILE.test(url.pathname) && !headers.location) return { body: text(), type: document ? (url.pathname.endsWith(".svg") ? "image/svg+xml" : "text/html; charset=utf-8") : type };
  // What another hole rewrites must not be kept.
  if (/\/-\/static\/(holt|diagram-frame)\./.test(url.pathname)) return { body: text() };
};

/** Puts the markup of `planted` where the text of a page stands: that of `?plant=1` is the second. */
export const plant = (planted) => ({ url, document, text }) => {
  const markup = document && planted[url.searchParams.get("plant") ?? -1];
  if (markup) return { body: text().replace(/(<article[^>]*>)[^]*?<\/article>/, () => `${/<article[^>]*>/.exec(text())[0]}${markup}</article>`) };
};

/**
 * A proxy that lets a browser reach one server and nobody else. What its `rewrite` answers takes the place of what the server answered, without
 * the headers that would hold it; where it answers nothing the server's words stay. `proxy` is for a session.
 */
export async function between(server) {
  const self = { rewrite: () => undefined };
  const { host, hostname, port } = new URL(server);
  const open = new Set();
  const proxy = createServer((request, response) => {
    // Only the whole address, and only of the server: what a page wants from elsewhere ends here.
    if (!request.url.startsWith(`${server}/`)) return request.destroy();
    const url = new URL(request.url);
    const { "if-none-match": _tag, "accept-encoding": _coding, "proxy-connection": _proxy, ...headers } = request.headers;
    const forwarded = ask({ hostname, port, method: request.method, path: request.url.slice(server.length), headers: { ...headers, host } }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("error", () => response.destroy());
      answer.on("end", () => {
        const body = Buffer.concat(parts);
        const document = /^(document|iframe)$/.test(request.headers["sec-fetch-dest"] ?? "");
        const type = answer.headers["content-type"] ?? "";
        const other = self.rewrite({ url, document, type, headers: answer.headers, text: () => body.toString("utf8") });
        if (!other) return response.writeHead(answer.statusCode, answer.headers).end(body);
        const kept = Object.entries(answer.headers).filter(([name]) => !/^(content-(length|encoding|disposition|security-policy)|transfer-encoding|x-content-type-options|etag)$/.test(name));
        response.writeHead(answer.statusCode, { ...Object.fromEntries(kept), "cache-control": "no-store", ...(other.type && { "content-type": other.type }) }).end(other.body);
      });
    });
    forwarded.on("error", () => response.destroy());
    request.on("error", () => forwarded.destroy());
    request.pipe(forwarded);
  });
  // Playwright's own requests come this way.
  proxy.on("connect", (request, socket) => {
    socket.on("error", () => {});
    if (request.url !== host) return socket.destroy();
    const onward = connect(port, hostname, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    onward.on("error", () => socket.destroy());
  });
  proxy.on("connection", (socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  self.proxy = { server: `http://127.0.0.1:${proxy.address().port}` };
  self.close = () => {
    proxy.close();
    for (const socket of open) socket.destroy();
  };
  return self;
}
