"""Reads answers that say what is wrong, and holds each to the one body."""

from __future__ import annotations

import httpx

__all__ = ["error", "faults", "messages"]


def error(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error."""
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert list(body) == ["status", "code", "message", "details"]
    assert body["status"] == answer.status_code
    assert body["message"]
    return answer.status_code, body["code"]


def messages(answer: httpx.Response) -> dict[str, str]:
    """Return what is wrong with the request by the path of the field."""
    assert error(answer) == (400, "invalid_request")
    details = answer.json()["details"]
    assert list(details) == ["errors"]
    found = {item["field"]: item["message"] for item in details["errors"]}
    assert len(found) == len(details["errors"]) > 0
    assert all(list(item) == ["field", "message"] and item["message"] for item in details["errors"])
    return found


def faults(answer: httpx.Response) -> list[str]:
    """Return the paths of the fields that are wrong."""
    return list(messages(answer))
