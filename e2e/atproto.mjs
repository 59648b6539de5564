// The AT Protocol's servers for a browser test: Bluesky's own authorization server (@atproto/oauth-provider, what every PDS runs) with accounts in memory,
// and beside it the directory, the server of accounts and the host of a handle. Holt asks them over plain HTTP (--test-network), the browser over TLS, by
// one front that stands for all their names and for Holt's proxy.

import { readFileSync } from "node:fs";
import { createServer, request as send } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { join } from "node:path";
import { JoseKey, Keyset, OAuthProvider, oauthMiddleware } from "@atproto/oauth-provider";

export const AUTH = "auth.test";
const PDS = "pds.test";
const DIRECTORY = "plc.test";
const PROFILES = "profiles.test";

const certificates = join(import.meta.dirname, "../crates/server/src/egress");

/** Accounts, devices, requests and tokens, in memory: what the server's library leaves to whoever runs it. */
function store(people) {
  const [devices, requests, tokens, granted, seen] = [new Map(), new Map(), new Map(), new Map(), new Map()];
  const account = (person) => ({ sub: person.did, aud: `did:web:${PDS}`, preferred_username: person.handle, name: person.name, email: `${person.handle}@example.org` });
  const find = (test) => people.find(test) ?? Promise.reject(new Error("no such account"));
  const clientsOf = (sub) => granted.get(sub) ?? new Map();
  const token = ([id, { data, refresh }]) => ({ id, data, account: account(people.find((person) => person.did === data.sub)), currentRefreshToken: refresh });
  const tokenBy = (test) => [...tokens].filter(([, entry]) => test(entry)).map(token)[0] ?? null;
  const seenBy = (deviceId, sub) => {
    const at = seen.get(`${deviceId} ${sub}`);
    const person = people.find((other) => other.did === sub);
    return at && { deviceId, deviceData: devices.get(deviceId), account: account(person), authorizedClients: clientsOf(sub), createdAt: at, updatedAt: at };
  };
  const refuse = () => {
    throw new Error("not in this test");
  };
  return {
    live: () => tokens.size,
    createAccount: refuse,
    resetPasswordRequest: refuse,
    resetPasswordConfirm: refuse,
    verifyHandleAvailability: refuse,
    authenticateAccount: async ({ username, password }) => account(await find((person) => [person.handle, person.did].includes(username) && person.password === password)),
    setAuthorizedClient: (sub, client, data) => void granted.set(sub, new Map(clientsOf(sub)).set(client, data)),
    getAccount: async (sub) => ({ account: account(await find((person) => person.did === sub)), authorizedClients: clientsOf(sub) }),
    upsertDeviceAccount: (deviceId, sub) => void seen.set(`${deviceId} ${sub}`, new Date()),
    getDeviceAccount: (deviceId, sub) => seenBy(deviceId, sub) ?? null,
    removeDeviceAccount: (deviceId, sub) => void seen.delete(`${deviceId} ${sub}`),
    listDeviceAccounts: ({ sub, deviceId }) =>
      [...seen.keys()].map((key) => key.split(" ")).filter(([device, who]) => device === deviceId || who === sub).map(([device, who]) => seenBy(device, who)),
    createDevice: (id, data) => void devices.set(id, data),
    readDevice: (id) => devices.get(id) ?? null,
    updateDevice: (id, data) => void devices.set(id, { ...devices.get(id), ...data }),
    deleteDevice: (id) => void devices.delete(id),
    createRequest: (id, data) => void requests.set(id, data),
    readRequest: (id) => requests.get(id) ?? null,
    updateRequest: (id, data) => void requests.set(id, { ...requests.get(id), ...data }),
    deleteRequest: (id) => void requests.delete(id),
    consumeRequestCode: (code) => {
      const found = [...requests].find(([, data]) => data.code === code);
      if (!found) return null;
      requests.delete(found[0]);
      return { requestId: found[0], data: found[1] };
    },
    createToken: (id, data, refresh) => void tokens.set(id, { data, refresh: refresh ?? null }),
    readToken: (id) => (tokens.has(id) ? token([id, tokens.get(id)]) : null),
    deleteToken: (id) => void tokens.delete(id),
    rotateToken: refuse,
    findTokenByRefreshToken: (refresh) => tokenBy((entry) => entry.refresh === refresh),
    findTokenByCode: (code) => tokenBy((entry) => entry.data.code === code),
    listAccountTokens: (sub) => [...tokens].filter(([, entry]) => entry.data.sub === sub).map(token),
    findLexicon: () => null,
    storeLexicon: () => {},
    deleteLexicon: () => {},
  };
}

/**
 * Starts them with `people`: {did, handle, name, password}. `holt(url)` says where Holt listens, once it does.
 * `domain`: Holt's own. `network`: for --test-network. `rules`: for Chromium's --host-resolver-rules.
 */
export async function network(domain, people) {
  let behind;
  const accounts = store(people);
  const provider = new OAuthProvider({
    issuer: `https://${AUTH}`,
    keyset: new Keyset([await JoseKey.generate(["ES256"], "test")]),
    store: accounts,
    // What it fetches is who Holt says that it is.
    safeFetch: async (input) => {
      const url = new URL(typeof input === "string" ? input : input.url);
      if (url.hostname !== domain) throw new TypeError(`nobody is at ${url}`);
      return ask(behind, url);
    },
  });
  const failures = [];
  const authorization = oauthMiddleware(provider, { onError: (_request, _response, error) => failures.push(String(error?.cause ?? error)) });

  const json = (response, status, value) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  const world = (request, response) => {
    const host = request.headers.host;
    const person = people.find((other) => other.handle === host || `/${other.did}` === request.url || request.url.includes(encodeURIComponent(other.did)));
    const lost = () => json(response, 404, { error: "NotFound" });
    if (host === AUTH) return authorization(request, response, (error) => (error ? json(response, 500, { error: String(error) }) : lost()));
    if (host === DIRECTORY && person) {
      const service = [{ id: "#atproto_pds", type: "AtprotoPersonalDataServer", serviceEndpoint: `https://${PDS}` }];
      return json(response, 200, { id: person.did, alsoKnownAs: [`at://${person.handle}`], service });
    }
    if (host === PDS && request.url === "/.well-known/oauth-protected-resource") {
      return json(response, 200, { resource: `https://${PDS}`, authorization_servers: [`https://${AUTH}`] });
    }
    if (host === PROFILES && person) return json(response, 200, { did: person.did, handle: person.handle, displayName: person.name });
    if (person && request.url === "/.well-known/atproto-did") return response.end(person.did);
    return lost();
  };
  const plain = createServer(world);
  const secure = createSecureServer(
    { cert: readFileSync(join(certificates, "test-certificate.pem")), key: readFileSync(join(certificates, "test-key.pem")) },
    (request, response) => (request.headers.host.endsWith(domain) ? hand(behind, request, response) : world(request, response)),
  );
  for (const server of [plain, secure]) await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = secure.address().port;
  return {
    network: `127.0.0.1:${plain.address().port}`,
    rules: `MAP ${domain}:443 127.0.0.1:${port}, MAP *.${domain}:443 127.0.0.1:${port}, MAP *.test:443 127.0.0.1:${port}`,
    // Of its own: that a nonce is needed is how it tells the first one.
    failures: () => failures.filter((failure) => !failure.includes("UseDpopNonce")),
    liveTokens: () => accounts.live(),
    holt: (url) => (behind = new URL(url)),
    close: () => [plain, secure].forEach((server) => (server.close(), server.closeAllConnections())),
  };
}

/** What a proxy in front of Holt does. */
function hand(behind, request, response) {
  const headers = { ...request.headers, "x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https" };
  const onward = send({ host: behind.hostname, port: behind.port, path: request.url, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  request.pipe(onward);
}

/** Fetches from Holt as from the outside. */
function ask(behind, url) {
  return new Promise((resolve, reject) => {
    const options = { host: behind.hostname, port: behind.port, path: url.pathname + url.search, headers: { host: url.host, "x-forwarded-proto": "https" } };
    const asking = send(options, async (answer) => {
      const body = Buffer.concat(await answer.toArray());
      resolve(new Response(body, { status: answer.statusCode, headers: { "content-type": answer.headers["content-type"] } }));
    });
    asking.on("error", reject).end();
  });
}
