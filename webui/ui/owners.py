"""Who a visitor is: a browser with its own secret, or an account that signed in on a Space."""

import hashlib
import importlib.util
import time

import gradio as gr

from webui.settings import Settings
from webui.ui.takes import is_secret, new_owner

NEEDED_TO_SIGN_IN = ("authlib", "itsdangerous")  # a Space brings them


def owner_of(remembered: object, account: str | None = None) -> str:
    """Give the key of who opens the page: the account's if one signed in, else the browser's."""
    if account is not None:
        return account_key(account)
    return str(remembered) if is_secret(remembered) else new_owner()


def account_key(name: str) -> str:
    """Give the key of an account: always the same one, and no browser can claim it."""
    return "u" + hashlib.sha256(f"huggingface:{name.casefold()}".encode()).hexdigest()[:32]


def account_of(request: gr.Request) -> str | None:
    """The name of the account that signed in; Gradio keeps it in a cookie that it signs itself."""
    session = getattr(request, "session", None) or getattr(request.request, "session", None)
    signed_in = session.get("oauth_info") if session else None
    if not signed_in or (signed_in.get("expires_at") or time.time() + 1) < time.time():
        return None
    name = signed_in["userinfo"].get("preferred_username")
    return str(name) if name else None


def can_sign_in(settings: Settings) -> bool:
    """Whether visitors may sign in: on a Space that has this switched on."""
    return settings.signs_in and all(importlib.util.find_spec(each) for each in NEEDED_TO_SIGN_IN)
