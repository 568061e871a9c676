"""Watches pages for what no user may meet: errors, what the policy blocks, requests that leave the machine."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Request, WebError

__all__ = ["Watch"]


_NETWORK = "ERR_NETWORK_CHANGED"
"""Chromium breaks off its requests when an interface comes or goes, which each container of an engine on the same
network does. The pages go on by themselves."""


class Watch:
    """Notes the faults of all pages of a context; ``expected`` names parts of messages that are part of the test."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.expected: list[str] = []
        self._faults: list[str] = []
        self._host = urlsplit(origin).netloc
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)

    @property
    def faults(self) -> list[str]:
        """What should not have been."""
        expected = [*self.expected, _NETWORK]
        return [fault for fault in self._faults if not any(part in fault for part in expected)]

    def _console(self, message: ConsoleMessage) -> None:
        # A violation of the Content-Security-Policy is an error here too.
        if message.type in ("error", "warning"):
            self._faults.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _error(self, error: WebError) -> None:
        self._faults.append(f"exception: {error.error}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self._host:
            self._faults.append(f"request to another host: {request.url}")
