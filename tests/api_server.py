"""A small stand-in for a Kubernetes API server: pods, secrets, events and a watch; tests say what becomes of pods."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import yaml
from aiohttp import web

Pod = dict[str, Any]


class ApiServer:
    """Listens on a port of its own choice. What it is asked stands in ``calls``, as method and path."""

    def __init__(self) -> None:
        self.pods: dict[str, Pod] = {}
        self.secrets: dict[str, Pod] = {}
        self.events: list[Pod] = []
        self.logs: dict[str, bytes] = {}
        self.calls: list[tuple[str, str]] = []
        self.watches: list[asyncio.Queue[bytes | None]] = []
        self.watched_from: list[str] = []
        self.faults: list[Callable[[web.Request], web.Response | None]] = []
        self.version = 100
        self._changed = asyncio.Condition()
        self.url = ""

    @property
    def kubeconfig(self) -> str:
        return yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": {"server": self.url}}],
                "users": [{"name": "u", "user": {"token": "t0ken"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "steps"}}],
                "current-context": "x",
            }
        )

    # --- what tests do ------------------------------------------------------------------------------------------

    def change(self, name: str, **status: Any) -> Pod:
        """Change a pod's status, and tell the watches."""
        pod = self.pods[name]
        pod["status"] = {**pod.get("status", {}), **status}
        self.tell("MODIFIED", pod)
        return pod

    def run(self, name: str, at: str = "2030-01-01T00:00:00Z") -> None:
        self.change(name, phase="Running", containerStatuses=[container(running={"startedAt": at})])

    def end(self, name: str, code: int = 0, **more: Any) -> None:
        ended = {"exitCode": code, "startedAt": "2030-01-01T00:00:00Z", "finishedAt": "2030-01-01T00:00:01Z", **more}
        self.change(name, phase="Failed" if code else "Succeeded", containerStatuses=[container(terminated=ended)])

    def delete(self, name: str) -> None:
        self.tell("DELETED", self.pods.pop(name))

    def tell(self, kind: str, pod: Pod) -> None:
        self.version += 1
        pod["metadata"]["resourceVersion"] = str(self.version)
        self.send({"type": kind, "object": pod})

    def send(self, event: Any) -> None:
        """Put an event into the watches as it is."""
        line = json.dumps(event).encode() + b"\n"
        for watch in self.watches:
            watch.put_nowait(line)

    def cut(self) -> None:
        """End the watches."""
        watches, self.watches = self.watches, []
        for watch in watches:
            watch.put_nowait(None)

    async def called(self, method: str, path: str, times: int = 1) -> None:
        """Return once this was asked so often."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.calls.count((method, path)) >= times)

    # --- what it answers ----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["ApiServer"]:
        app = web.Application(middlewares=[self._note])
        place = "/api/v1/namespaces/steps"
        app.router.add_get("/version", self._version)
        app.router.add_get(f"{place}/pods", self._list_or_watch)
        app.router.add_post(f"{place}/pods", self._create)
        app.router.add_get(f"{place}/pods/{{name}}", self._read)
        app.router.add_patch(f"{place}/pods/{{name}}", self._patch)
        app.router.add_delete(f"{place}/pods/{{name}}", self._delete)
        app.router.add_get(f"{place}/pods/{{name}}/log", self._log)
        app.router.add_post(f"{place}/secrets", self._create_secret)
        app.router.add_delete(f"{place}/secrets/{{name}}", self._delete_secret)
        app.router.add_get(f"{place}/events", self._events)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        self.cut()
        await runner.cleanup()

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v1/namespaces/steps")
        if request.query.get("watch"):
            await self._count(request.method, f"{path}?watch")
            return self._fault(request) or await handler(request)
        # Whoever waits for a call waits for what it does.
        found: web.StreamResponse = self._fault(request) or await handler(request)
        await self._count(request.method, path)
        return found

    async def _count(self, method: str, path: str) -> None:
        async with self._changed:
            self.calls.append((method, path))
            self._changed.notify_all()

    def _fault(self, request: web.Request) -> web.Response | None:
        for fault in self.faults:
            if (answer := fault(request)) is not None:
                self.faults.remove(fault)
                return answer
        return None

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"gitVersion": "v1.34.4", "platform": "linux/amd64"})

    async def _list_or_watch(self, request: web.Request) -> web.StreamResponse:
        if not request.query.get("watch"):
            found = [copy.deepcopy(pod) for pod in self.pods.values()]
            return web.json_response({"metadata": {"resourceVersion": str(self.version)}, "items": found})
        self.watched_from.append(request.query["resourceVersion"])
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.watches.append(queue)
        response = web.StreamResponse()
        await response.prepare(request)
        for pod in self.pods.values():
            if int(pod["metadata"]["resourceVersion"]) > int(request.query["resourceVersion"]):
                await response.write(json.dumps({"type": "MODIFIED", "object": pod}).encode() + b"\n")
        while (line := await queue.get()) is not None:
            await response.write(line)
        return response

    async def _create(self, request: web.Request) -> web.Response:
        pod = await request.json()
        name = pod["metadata"]["name"]
        if name in self.pods:
            return failure(409, f'pods "{name}" already exists')
        pod["metadata"]["uid"] = f"uid-{self.version}"
        pod["status"] = {"phase": "Pending"}
        self.pods[name] = pod
        self.tell("ADDED", pod)
        return web.json_response(pod, status=201)

    async def _read(self, request: web.Request) -> web.Response:
        pod = self.pods.get(request.match_info["name"])
        return web.json_response(pod) if pod is not None else failure(404, "pod not found")

    async def _patch(self, request: web.Request) -> web.Response:
        pod = self.pods.get(request.match_info["name"])
        if pod is None:
            return failure(404, "pod not found")
        for part, values in json.loads(await request.read()).items():
            for name, value in values.items():
                pod[part].pop(name, None)
                if value is not None:
                    pod[part][name] = value
        if pod["metadata"].get("deletionTimestamp") and not pod["metadata"].get("finalizers"):
            self.delete(pod["metadata"]["name"])
        else:
            self.tell("MODIFIED", pod)
        return web.json_response(pod)

    async def _delete(self, request: web.Request) -> web.Response:
        pod = self.pods.get(request.match_info["name"])
        if pod is None:
            return failure(404, "pod not found")
        if pod["metadata"].get("finalizers"):
            pod["metadata"]["deletionTimestamp"] = "2030-01-01T00:00:02Z"
            self.tell("MODIFIED", pod)
        else:
            self.delete(pod["metadata"]["name"])
        return web.json_response({"kind": "Pod", **pod})

    async def _log(self, request: web.Request) -> web.Response:
        return web.Response(body=self.logs.get(request.match_info["name"], b""))

    async def _create_secret(self, request: web.Request) -> web.Response:
        secret = await request.json()
        name = secret["metadata"]["name"]
        if name in self.secrets:
            return failure(409, f'secrets "{name}" already exists')
        self.secrets[name] = secret
        return web.json_response(secret, status=201)

    async def _delete_secret(self, request: web.Request) -> web.Response:
        del self.secrets[request.match_info["name"]]
        return web.json_response({"kind": "Status"})

    async def _events(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.events})


def container(**state: Any) -> dict[str, Any]:
    """A container's status in one state."""
    return {"name": "step", "imageID": "registry.example/image@sha256:abc", "state": state}


def failure(status: int, message: str) -> web.Response:
    """A refusal as the API writes it."""
    return web.json_response({"kind": "Status", "status": "Failure", "message": message, "code": status}, status=status)
