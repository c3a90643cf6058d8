"""Whether a web page that asks for something is our own one."""

from urllib.parse import urlsplit


def is_own_origin(origin: str, host: str, forwarded_host: str) -> bool:
    """Compare where a request comes from with the names it was sent to.

    Args:
        origin: the header `Origin`, such as `http://localhost:7860`; `null` is nobody's.
        host: the header `Host`.
        forwarded_host: the header `X-Forwarded-Host` of a proxy before us; empty where none is.
    """
    try:
        named = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return bool(named) and named in (host.lower(), forwarded_host.lower())
