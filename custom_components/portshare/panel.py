"""Our page in Home Assistant's sidebar."""

from hashlib import sha256
import logging
from pathlib import Path
from typing import Final

from homeassistant.components import frontend, panel_custom
from homeassistant.components.http import StaticPathConfig
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

_LOGGER = logging.getLogger(__name__)

MODULE: Final = Path(__file__).parent / "frontend" / "portshare-panel.js"

_ELEMENT: Final = "portshare-panel"
_ICON: Final = "mdi:security-network"

_URL: Final = HassKey[str](f"{DOMAIN}_panel_url")


async def async_serve_module(hass: HomeAssistant) -> None:
    """Let browsers get the code of our page. Once a start: it cannot be taken back."""
    try:
        code = await hass.async_add_executor_job(MODULE.read_bytes)
    except FileNotFoundError:
        _LOGGER.warning(
            "%s has not been built (scripts/build-frontend), so there is no page in "
            "the sidebar",
            MODULE.name,
        )
        return
    # Browsers keep the module for a month, so what has changed has another address.
    url = f"/{DOMAIN}/panel/{sha256(code).hexdigest()[:16]}/{MODULE.name}"
    await hass.http.async_register_static_paths(
        [StaticPathConfig(url, str(MODULE), cache_headers=True)]
    )
    hass.data[_URL] = url


async def async_setup_panel(hass: HomeAssistant) -> None:
    """Put our page into the sidebar, if it is not there. It stays during a reload."""
    url = hass.data.get(_URL)
    if url is None or frontend.async_panel_exists(hass, DOMAIN):
        return
    await panel_custom.async_register_panel(
        hass,
        frontend_url_path=DOMAIN,
        webcomponent_name=_ELEMENT,
        module_url=url,
        sidebar_title=await _title(hass),
        sidebar_icon=_ICON,
        require_admin=True,
    )


@callback
def async_remove_panel(hass: HomeAssistant) -> None:
    """Take our page out of the sidebar."""
    frontend.async_remove_panel(hass, DOMAIN, warn_if_unknown=False)


async def _title(hass: HomeAssistant) -> str:
    texts = await async_get_translations(hass, hass.config.language, "title", {DOMAIN})
    return texts[f"component.{DOMAIN}.title"]
