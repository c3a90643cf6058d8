"""Assistants use the page's functions as tools, by the protocol MCP."""

import asyncio
import importlib.util

import pytest

from tests.e2e.conftest import running_fake_page
from webui.errors import SettingsError
from webui.settings import Settings
from webui.ui import page

TEXT = "Good morning to you all."
TOOLS = {"speak", "clone", "report", "voices", "families"}


def test_without_the_package_a_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(page, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"\./install\.sh --with mcp"):
        page.launch_options(Settings(mcp=True))
    assert page.launch_options(Settings())["mcp_server"] is False


async def talk(address: str) -> tuple[dict, str, str]:
    """Ask for the tools, speak a text, and speak with a voice that is not there."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with (
        streamablehttp_client(f"{address}gradio_api/mcp/") as (reading, writing, _),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        tools = {each.name: each for each in (await session.list_tools()).tools}
        name = next(each for each in tools if each.endswith("speak"))
        spoken = await session.call_tool(name, {"text": TEXT, "voice": "Ada", "seed": 7})
        refused = await session.call_tool(name, {"text": TEXT, "voice": "zoe"})
    return tools, spoken.content[0].text, refused.content[0].text


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the protocol's own package
def test_an_assistant_finds_the_tools_and_speaks_with_them():
    if importlib.util.find_spec("mcp") is None:
        pytest.skip("the package mcp is not installed")
    with running_fake_page("mcp") as address:
        tools, spoken, refused = asyncio.run(talk(address))
    assert {name.rpartition("__")[2] for name in tools} == TOOLS
    speak = next(tool for name, tool in tools.items() if name.endswith("speak"))
    assert "Say a text" in speak.description
    assert speak.inputSchema["properties"]["voice"]["description"].startswith("an id or a name")
    assert (
        "consent"
        in next(tool for name, tool in tools.items() if name.endswith("clone")).inputSchema[
            "properties"
        ]
    )
    assert "speech-7.wav" in spoken
    assert 'no voice "zoe"' in refused
