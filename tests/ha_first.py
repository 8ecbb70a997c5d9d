"""Lets the test harness that is made for Home Assistant 2026.10 load with 2026.11.

That one wants to be imported before httpx is (which the plugin of respx does), and no
longer offers a private function where the harness looks for it. Loaded first, with
`python -m pytest -p tests.ha_first`, this settles both.
"""

from homeassistant.components import logger
from homeassistant.components.logger.helpers import _clear_logger_overwrites

vars(logger)[_clear_logger_overwrites.__name__] = _clear_logger_overwrites
