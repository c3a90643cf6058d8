"""The API over the scripted service, on a real socket, asked by OpenAI's own client."""

import contextlib
import threading
import time
from dataclasses import replace

import openai
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from tests.fake_service import FakeService
from webui.http_api.routes import open_api
from webui.settings import Settings
from webui.ui.guard import Guard, GuardRules

KEY = "a-key-of-the-owner"


class Served:
    """A running server: its address, its service, and clients for it."""

    def __init__(self, address: str, service: FakeService, api) -> None:
        self.address = address
        self.service = service
        self.api = api
        self._clients: list[openai.OpenAI] = []

    def client(self, key: str = "none") -> openai.OpenAI:
        """OpenAI's client, unchanged."""
        made = openai.OpenAI(base_url=f"{self.address}/v1", api_key=key, max_retries=0)
        self._clients.append(made)
        return made

    def close(self) -> None:
        for client in self._clients:
            client.close()


@contextlib.contextmanager
def serving(settings: Settings, folder, service: FakeService | None = None):
    """Answer on a free port of this machine until the block ends; jobs are kept in `folder`."""
    settings = replace(settings, data_dir=folder / "data")
    service = service or FakeService(settings)
    api = open_api(service, settings, folder)
    guard = Middleware(Guard, rules=GuardRules.from_settings(settings))
    app = Starlette(routes=api.routes(), middleware=[guard])
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    served = Served(f"http://127.0.0.1:{port}", service, api)
    try:
        yield served
    finally:
        served.close()
        server.should_exit = True
        thread.join(20)
        api.close()


def as_new(served: Served) -> Served:
    """Forget what the test before did."""
    jobs = served.api.reception.jobs
    for job in list(jobs._jobs.values()):
        jobs.remove(job)
    settings = served.service.settings
    vars(served.service).clear()
    served.service.__init__(settings)
    return served


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def local_server(shared_folder):
    with serving(Settings(max_text_characters=200), shared_folder) as served:
        yield served


@pytest.fixture
def local(local_server):
    """The owner's own machine: no password, no key. The service is as new for each test."""
    return as_new(local_server)


@pytest.fixture(scope="module")
def public_server(shared_folder):
    settings = Settings(public=True, api_key=KEY, max_text_characters=200)
    with serving(settings, shared_folder / "public") as served:
        yield served


@pytest.fixture
def public(public_server):
    """A page for strangers, with a key for its owner."""
    return as_new(public_server)


def waited_for(is_so, seconds: float = 20.0) -> bool:
    """Whether something becomes true; a slow machine gets its time."""
    for _ in range(int(seconds / 0.02)):
        if is_so():
            return True
        time.sleep(0.02)
    return False
