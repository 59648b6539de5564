# The official Python client connects by OAuth: it is told everything by the server, somebody who is logged in allows it, over HTTP as a browser
# would, and it goes on. Called by clients.rs with the wiki's address, a mail address and a password; prints what it saw as JSON.

import asyncio
import json
import re
import sys
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider, OAuthFlowError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata


class Memory:
    """What the program keeps between runs."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


def token_of(form):
    return re.search(r'name="csrf_token" value="([^"]+)"', form.text).group(1)


class Person:
    """Somebody with a browser, who answers what they are asked: what they decide and how much they give, in order."""

    def __init__(self, origin, answers):
        self.origin, self.answers, self.asked, self.answer = origin, answers, [], {}
        self.http = httpx2.AsyncClient(base_url=origin, timeout=30)

    async def post(self, place, fields):
        said = await self.http.post(place, data=fields, headers={"Origin": self.origin})
        assert said.status_code == 303, (said.status_code, said.text)
        return said.headers["location"]

    async def log_in(self, email, password):
        form = await self.http.get("/-/login")
        await self.post("/-/login", {"csrf_token": token_of(form), "email": email, "password": password})

    async def redirect(self, address):
        self.asked.append(parse_qs(urlsplit(address).query))
        sent = await self.http.get(address)
        assert sent.status_code == 303, (sent.status_code, sent.text)
        place = urljoin(address, sent.headers["location"])
        form = await self.http.get(place)
        assert form.status_code == 200, (form.status_code, form.text)
        decision, scope = self.answers.pop(0)
        back = await self.post(place, {"csrf_token": token_of(form), "decision": decision, "scope": scope})
        self.answer = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}

    async def callback(self):
        return AuthorizationCodeResult(code=self.answer.get("code", ""), state=self.answer.get("state"), iss=self.answer.get("iss"))


def program(url, person, memory):
    metadata = OAuthClientMetadata(client_name="Otter", redirect_uris=["http://127.0.0.1:7777/callback"], token_endpoint_auth_method="none")
    return OAuthClientProvider(url, metadata, memory, person.redirect, person.callback)


def cause(error, kind):
    """The error of that kind that another one comes of."""
    for inner in [*getattr(error, "exceptions", ()), error.__cause__, error.__context__]:
        if isinstance(inner, BaseException) and (found := cause(inner, kind)):
            return found
    return error if isinstance(error, kind) else None


async def names(client):
    return [tool.name for tool in (await client.list_tools()).tools]


async def main(origin, email, password):
    url = f"{origin}/mcp"
    person = Person(origin, [("allow", "read"), ("allow", "write"), ("deny", "read")])
    await person.log_in(email, password)
    memory, seen = Memory(), {}
    provider = program(url, person, memory)
    async with httpx2.AsyncClient(auth=provider, timeout=30) as http:
        async with Client(streamable_http_client(url, http_client=http)) as client:
            seen["first"] = [memory.tokens.scope, await names(client)]
            # It lacks something: it is told what, and asks the person again.
            written = await client.call_tool("write_note", {"path": "By otter", "content": "x"})
            seen["written"] = [bool(written.is_error), written.content[0].text]
            seen["then"] = [memory.tokens.scope, await names(client)]
            # An access token that has ended is exchanged, and nobody is asked.
            before, provider.context.token_expiry_time = memory.tokens, 1
            info = await client.call_tool("get_wiki_info", {})
            changed = [getattr(memory.tokens, name) != getattr(before, name) for name in ["access_token", "refresh_token"]]
            seen["refreshed"] = [bool(info.is_error), changed]
    # Its next run, with what it kept: nobody is asked.
    async with httpx2.AsyncClient(auth=program(url, person, memory), timeout=30) as http:
        async with Client(streamable_http_client(url, http_client=http)) as client:
            seen["again"] = await names(client)
    seen["asked"] = [asked["scope"][0] for asked in person.asked]
    seen["client"] = memory.client.client_id
    refused = program(url, person, Memory())
    try:
        async with httpx2.AsyncClient(auth=refused, timeout=30) as http:
            async with Client(streamable_http_client(url, http_client=http)) as client:
                await client.list_tools()
        seen["denied"] = None
    except BaseException as error:
        seen["denied"] = [str(cause(error, OAuthFlowError)), person.answer.get("error")]
    await person.http.aclose()
    print(json.dumps(seen))


asyncio.run(main(*sys.argv[1:]))
