"""Sends a key to the address it is for, and to no other."""

import urllib.request
from http.client import HTTPResponse
from typing import Any


class _Staying(urllib.request.HTTPRedirectHandler):
    """Follows no redirection, which would take the key to another address."""

    def redirect_request(self, *_: Any) -> None:
        return None


def send_with_key(url: str, key: str, data: bytes | None, timeout: float) -> HTTPResponse:
    """Returns the answer to a request, open to be read; with `data`, which is JSON, it is a POST.

    Raises:
        urllib.error.HTTPError: the server answers with an error, or with a redirection.
        OSError: nobody answers within `timeout` seconds.
    """
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    return urllib.request.build_opener(_Staying).open(urllib.request.Request(url, data, headers), timeout=timeout)
