# The official Python client against a server: every tool once, by both eras of the protocol. It checks each answer against its output schema.
# Called by clients.rs with the address and a token; prints what it saw as JSON.

import asyncio
import json
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult

PAGE = "---\ntags: [guide]\n---\n# Setup\n\nPress the red button.\n\n## Notes\n\nSee [[Guide/Parts]].\n"


async def tools(client, name):
    said = {}

    async def call(tool, **arguments):
        result = await client.call_tool(tool, arguments)
        said[tool] = [bool(result.is_error), result.content[0].text]
        return result.structured_content or {}

    first = (await call("write_note", path=name, content=PAGE))["revision"]
    await call("read_note", path=name)
    second = (await call("edit_note", path=name, revision=first, old_string="red", new_string="green"))["revision"]
    await call("append_to_note", path=name, text="More.")
    third = (await call("read_note", path=name, section="Notes"))["revision"]
    fourth = (await call("replace_section", path=name, section="Notes", text="## Notes\n", revision=third))["revision"]
    await call("diff_note", path=name, **{"from": first, "to": second})
    await call("revert_note", path=name, to_revision=first, revision=fourth)
    await call("read_note", path=name, since_revision=first)
    await call("read_notes", paths=[name, "Nowhere"])
    for tool in ["list_sections", "get_links", "get_history"]:
        await call(tool, path=name)
    for tool in ["list_notes", "list_tags", "list_categories", "get_recent_changes", "find_orphaned_notes", "find_missing_pages", "wiki_care", "get_wiki_info"]:
        await call(tool)
    await call("search_notes", query="button")
    await call("semantic_search", query="button")
    found = (await call("search", query="button"))["results"]
    assert json.loads(said["search"][1])["results"] == found, found
    page = await call("fetch", id=found[0]["id"])
    assert page["url"].endswith("/" + page["id"]) and "button" in page["text"], page
    await call("get_changes_since", revision=first)
    await call("upload_attachment", path=name, filename="p.png", content="iVBORw0KGgo=")
    await call("list_attachments", path=name)
    await call("download_attachment", path=name, filename="p.png")
    await call("delete_attachment", path=name, filename="p.png")
    await call("apply_changes", message="Parts", operations=[{"op": "put", "path": name + " parts", "content": "x"}])
    await call("propose_changes", message="More", operations=[{"op": "put", "path": name + " more", "content": "x"}])
    await call("list_proposals", status="open", mine=True)
    await call("get_proposal", number=1)
    await call("rename_note", path=name + " parts", new_path=name + " pieces")
    await call("delete_note", path=name + " pieces")
    await call("write_note", path=name + " mistake", content="x")
    plan = (await call("undo_session"))["plan"]
    await call("undo_session", plan=plan, files=[name + " mistake.md"])
    return said


async def hear(client, name):
    """What is told of a page that changes while somebody listens."""
    if client.protocol_version != "2026-07-28":
        return ""
    async with client.listen(resource_subscriptions=[f"wiki://docs/pages/{name}"]) as stream:
        await client.call_tool("append_to_note", {"path": name, "text": "Heard."})
        async for event in stream:
            return event.uri


async def main(url, token):
    seen = {}
    asked = []

    async def confirm(context, params):
        asked.append(params.message)
        return ElicitResult(action="accept", content={"confirm": True})

    for mode in ["auto", "legacy"]:
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http:
            async with Client(streamable_http_client(url, http_client=http), mode=mode, elicitation_callback=confirm) as client:
                asked.clear()
                listed = await client.list_tools()
                said = await tools(client, f"Guide/{mode}")
                heard = await hear(client, f"Guide/{mode}")
                resources = await client.list_resources()
                page = await client.read_resource(f"wiki://docs/pages/Guide/{mode}")
                prompts = await client.list_prompts()
                prompt = await client.get_prompt("orient", {})
                templates = await client.list_resource_templates()
                seen[mode] = {
                    "version": str(client.protocol_version),
                    "tools": [tool.name for tool in listed.tools],
                    "said": said,
                    "heard": heard,
                    "asked": len(asked),
                    "resources": len(resources.resources),
                    "page": page.contents[0].text,
                    "prompts": len(prompts.prompts),
                    "prompt": len(prompt.messages),
                    "templates": len(templates.resource_templates),
                }
    print(json.dumps(seen))


asyncio.run(main(sys.argv[1], sys.argv[2]))
