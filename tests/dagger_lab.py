"""The real Dagger Engine for tests, if the environment names one."""

import os
import subprocess
from dataclasses import dataclass

CLI = "_EXPERIMENTAL_DAGGER_CLI_BIN"
RUNNER_HOST = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"
RESTART = "AIOP_TEST_DAGGER_RESTART"


class DaggerMissing(Exception):
    """No Dagger Engine is named; the message says by what it would be."""


@dataclass(frozen=True)
class DaggerLab:
    """An engine that is there, and an image for it with a shell and a user ``worker`` of the number 1000."""

    endpoint: str
    image: str
    restart: str | None
    """A command that kills the engine by SIGKILL and starts it again."""

    @property
    def engine(self) -> dict[str, str]:
        """An agent's engine, as the API takes it."""
        return {"type": "dagger", "endpoint": self.endpoint}

    @classmethod
    def find(cls) -> "DaggerLab":
        lacking = [name for name in (RUNNER_HOST, CLI, "AIOP_TEST_DAGGER_IMAGE") if not os.environ.get(name)]
        if lacking:
            raise DaggerMissing(f"no Dagger Engine for tests: {', '.join(lacking)} must be set")
        return cls(os.environ[RUNNER_HOST], os.environ["AIOP_TEST_DAGGER_IMAGE"], os.environ.get(RESTART) or None)

    def restarted(self) -> None:
        """Kill the engine and start it again, where ``restart`` says how."""
        assert self.restart is not None
        subprocess.run(["sh", "-c", self.restart], check=True, timeout=250, stdin=subprocess.DEVNULL)
