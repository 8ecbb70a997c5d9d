"""Prints what Home Assistant installs when it starts, for what we start it with."""

from json import loads
from pathlib import Path

from homeassistant import components
from homeassistant.auth.mfa_modules import totp
from homeassistant.bootstrap import (
    CORE_INTEGRATIONS,
    CRITICAL_INTEGRATIONS,
    DEFAULT_INTEGRATIONS,
)

FOLDER = Path(components.__path__[0])
OURS = {
    # what portshare's manifest names
    *("device_tracker", "dhcp", "frontend", "http", "panel_custom", "websocket_api"),
    # what a home has: dashboards, history, notifications, automations
    *("automation", "config", "history", "logbook", "lovelace", "mobile_app"),
    *("notify", "persistent_notification", "recorder", "script", "ssdp", "zeroconf"),
}


def main() -> None:
    """Print the requirements of all these integrations and of those they depend on."""
    todo = {*CORE_INTEGRATIONS, *CRITICAL_INTEGRATIONS, *DEFAULT_INTEGRATIONS, *OURS}
    done: set[str] = set()
    requirements = set(totp.REQUIREMENTS)
    while todo:
        integration = todo.pop()
        done.add(integration)
        manifest = read_manifest(integration)
        requirements.update(manifest.get("requirements", []))
        todo.update(manifest.get("dependencies", []))
        # Home Assistant installs these too, whether or not they are set up
        todo.update(manifest.get("after_dependencies", []))
        todo -= done
    print("\n".join(sorted(requirements)))


def read_manifest(integration: str) -> dict[str, list[str]]:
    """Return an integration's manifest, empty for an entity platform without one."""
    path = FOLDER / integration / "manifest.json"
    manifest: dict[str, list[str]] = loads(path.read_text()) if path.exists() else {}
    return manifest


if __name__ == "__main__":
    main()
