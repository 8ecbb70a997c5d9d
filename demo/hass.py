"""Home Assistant as a child process inside a namespace."""

import asyncio
import json
import os
from pathlib import Path
import signal
import sys
from typing import Any

from .home import LAN_LINK
from .netns import WITH_PARENT, Namespace

PORT = 8123
RESTART = 100
"""The exit code by which Home Assistant asks to be started again."""

CONFIGURATION = """\
homeassistant:
  name: Demo home
  country: DE
  currency: EUR
  elevation: 34
  latitude: 52.52
  longitude: 13.405
  time_zone: Europe/Berlin
  unit_system: metric
  auth_mfa_modules: [] # its own would be installed from the internet at the start

automation: !include automations.yaml
config:
frontend:
history:
logbook:
mobile_app:
script: !include scripts.yaml
scene: !include scenes.yaml
ssdp: # so that ours has to get along with its own on port 1900

logger:
  default: warning
  logs:
    custom_components.portshare: info
"""

# What http in YAML would only set for five minutes, see Home Assistant's http/config.py.
HTTP: dict[str, Any] = {
    "stable": {
        "server_port": PORT,
        "server_host": ["127.0.0.1"],
        "cors_allowed_origins": [],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": False,
        "ssl_profile": "intermediate_v6",
        "use_x_frame_options": True,
        "created_at": "2026-11-22T00:00:00+00:00",
        "error": None,
        "error_message": None,
    },
    "pending": None,
    "yaml_migration_done": True,
}

# All but the making of the owner, which the demo does over the API as the wizard would.
ONBOARDING = {"done": ["core_config", "analytics", "integration"]}


# By itself it would look for devices, and be found, where its default route leads.
NETWORK = {"configured_adapters": [LAN_LINK]}


def write_configuration(directory: Path, custom_components: Path) -> None:
    """Make a configuration directory for a Home Assistant that never ran."""
    storage = directory / ".storage"
    storage.mkdir(parents=True)
    (directory / "custom_components").symlink_to(custom_components)
    (directory / "configuration.yaml").write_text(CONFIGURATION, encoding="utf-8")
    for name, empty in (("automations", "[]"), ("scenes", "[]"), ("scripts", "{}")):
        (directory / f"{name}.yaml").write_text(f"{empty}\n", encoding="utf-8")
    for key, version, minor_version, data in (
        ("http", 3, 1, HTTP),
        ("onboarding", 4, 1, ONBOARDING),
        ("core.network", 1, 1, NETWORK),
    ):
        content = {
            "version": version,
            "minor_version": minor_version,
            "key": key,
            "data": data,
        }
        (storage / key).write_text(json.dumps(content), encoding="utf-8")


class Hass:
    """The process. It may be started again after it has ended."""

    def __init__(self, namespace: Namespace, directory: Path) -> None:
        """Remember where; `start` starts it."""
        self._namespace = namespace
        self._directory = directory
        self._process: asyncio.subprocess.Process | None = None

    @property
    def output(self) -> Path:
        """Everything it has printed, of all its runs."""
        return self._directory / "hass.log"

    @property
    def running(self) -> bool:
        """Tell whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it, without waiting until it answers."""
        command = self._namespace.command(
            sys.executable, "-m", "homeassistant", "-c", str(self._directory)
        )
        with self.output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *WITH_PARENT,
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C is for the demo, which then stops it in its turn.
                start_new_session=True,
                # Python looks for modules where it is started.
                cwd=self._directory,
                env={k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"},
            )

    async def ended(self) -> int:
        """Wait until it has ended by itself, and return its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self, within: float = 20) -> None:
        """Ask it to end, and wait until it has."""
        if self._process is None or not self.running:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(within):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def kill(self) -> None:
        """End it without asking, as a power failure does."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    def last_words(self, lines: int = 15) -> str:
        """The end of what it has printed."""
        if not self.output.exists():
            return ""
        text = self.output.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])
