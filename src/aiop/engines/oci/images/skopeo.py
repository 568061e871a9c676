"""Running skopeo: it speaks to registries, and unpacks into containers/storage."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

from aiop.engines.oci.images.busy import Busy
from aiop.engines.oci.images.faults import fault_of, words_of
from aiop.errors import EngineRefused, RegistryUnavailable
from aiop.model.run import Credentials

__all__ = ["Login", "Skopeo"]

_PATIENCE = 3600
"""Seconds after which a registry that gives an image drop by drop counts as one that does not answer."""

_INHERITED = ("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "USER", "LOGNAME")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Login:
    """A private file with the credentials of one call; an empty one keeps skopeo from finding anybody else's."""

    def __init__(self, file: Path, secrets: tuple[str, ...]) -> None:
        self.file = file
        self.secrets = secrets


class Skopeo:
    """``scratch`` is ours alone, is emptied by others at the start, and is skopeo's home and its room for drafts.

    Each run ends with this process, however that ends: what a dead service began must not go on beside its successor.
    Until the last of its helpers is gone, a run shares ``busy``.
    """

    def __init__(self, scratch: Path, storage_conf: Path, busy: Busy) -> None:
        self._scratch = scratch
        self._busy = busy
        self._environment = _environment(scratch, storage_conf)
        self._program: tuple[str, ...] | None = None

    @asynccontextmanager
    async def login(self, credentials: Credentials | None, host: str) -> AsyncIterator[Login]:
        """Lay down credentials for the registry ``host``; they are gone at the end."""
        known: dict[str, dict[str, str]] = {}
        secrets: tuple[str, ...] = ()
        if credentials is not None:
            secrets = (credentials.password, credentials.username)
            pair = f"{credentials.username}:{credentials.password}".encode()
            known[host] = {"auth": base64.b64encode(pair).decode()}
        file = self._scratch / f"auth-{uuid4().hex}.json"
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as out:
                json.dump({"auths": known}, out)
            yield Login(file, secrets)
        finally:
            file.unlink(missing_ok=True)

    async def run(
        self, *arguments: str, names: Iterable[str] = (), login: Login | None = None, patience: float = _PATIENCE
    ) -> bytes:
        """Run one command to its end, in the scratch directory, and return what it wrote.

        Raises what ``fault_of`` finds in its words, and ``EngineRefused`` if there is no skopeo. If the call is
        cancelled, the command is killed.
        """
        command = [*self._found(), *arguments]
        with self._busy.shared() as descriptor:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment,
                cwd=self._scratch,
                start_new_session=True,
                pass_fds=[descriptor],
            )
        try:
            async with asyncio.timeout(patience):
                stdout, stderr = await process.communicate()
        except TimeoutError:
            raise RegistryUnavailable(f"the registry did not give the image within {patience:.0f} seconds") from None
        finally:
            if process.returncode is None:
                # Its helpers too, that unpack.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            code = await process.wait()
        if code == 0:
            return stdout
        words = words_of(stderr.decode(errors="replace"))
        if code < 0:
            words = f"signal: killed ({signal.Signals(-code).name}): {words}"
        raise fault_of(words, registry=login is not None, names=names, secrets=login.secrets if login else ())

    def _found(self) -> Sequence[str]:
        if self._program is None:
            skopeo = shutil.which("skopeo")
            if skopeo is None:
                raise EngineRefused("skopeo is not installed, which pulls and unpacks images")
            tied = ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()
            # Without it a machine that has no policy at all would take no image.
            policy = () if _has_policy() else ("--insecure-policy",)
            self._program = (*tied, skopeo, "--tmpdir", str(self._scratch), *policy)
        return self._program


def _has_policy() -> bool:
    return any(Path(directory, "containers/policy.json").exists() for directory in ("/etc", "/usr/share"))


def _environment(scratch: Path, storage_conf: Path) -> dict[str, str]:
    """Only what skopeo needs: no secret of the service, and no login of the user that it runs as."""
    names = {*_INHERITED, *_PROXIES, *(name.upper() for name in _PROXIES)}
    found = {name: value for name, value in os.environ.items() if name in names}
    registries = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "containers/registries.conf")
    if named := os.environ.get("CONTAINERS_REGISTRIES_CONF") or (str(registries) if registries.exists() else None):
        found["CONTAINERS_REGISTRIES_CONF"] = named
    return found | {
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "XDG_CONFIG_HOME": str(scratch),
        "XDG_RUNTIME_DIR": str(scratch),
        "CONTAINERS_STORAGE_CONF": str(storage_conf),
    }
