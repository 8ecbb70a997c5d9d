"""The self-test's phone: it is told of what is opened, and closes it."""

import shutil

from . import REPOSITORY
from .api import ApiError, until
from .checks import WEB
from .demo import RUN
from .household import PATIENCE, WEB_NAME, Household
from .phone import NAME as PHONE, buttons

AUTOMATION = "portshare_demo"
BLUEPRINT = "portshare/notify_and_close_again.yaml"


class Notices:
    """The change notice of the options, and a blueprint's message with a button."""

    def __init__(self, house: Household) -> None:
        """Look at this household."""
        self.house = house

    async def run(self) -> None:
        """The phone is told of a share that is opened, and closes it."""
        await self._automation()
        await self.house.turn("off", WEB, WEB_NAME)
        async with self.house.step("Opened by its switch: the change notice") as line:
            await self.house.turn("on", WEB, WEB_NAME)
            message = await self.house.message(lambda each: not buttons(each))
            line.saw(message["message"], ok=WEB_NAME in message["message"])
        await self.house.turn("off", WEB, WEB_NAME)
        async with self.house.step("The blueprint's message, with its button") as line:
            await self.house.turn("on", WEB, WEB_NAME)
            message = await self.house.message(lambda each: bool(buttons(each)))
            button = buttons(message)[0]
            line.saw(f"{message['message']} [{button['title']}]")
            await self.house.heard_since()
            await self.house.demo.phone.press(button["action"])
        async with self.house.step("The button is pressed") as line:
            event = await self.house.hears("share_disabled")
            line.saw(f"{event['name']} is closed, reason {event['reason']}")
        await self.house.check.nobody_answers("Web server, closed by the phone", WEB)
        await self.house.demo.api.delete(f"/api/config/automation/config/{AUTOMATION}")
        await self.house.turn("on", WEB, WEB_NAME)
        await self.house.check.arrives("Web server, opened again", WEB)

    async def _automation(self) -> None:
        """An automation of the blueprint, as a person makes it in the editor."""
        async with self.house.step("An automation of the blueprint") as line:
            blueprints = RUN / "blueprints/automation"
            blueprint = blueprints / BLUEPRINT
            blueprint.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / "blueprints/automation" / BLUEPRINT, blueprint)
            devices = await self.house.websocket.command("config/device_registry/list")
            (phone,) = (each["id"] for each in devices if each["name"] == PHONE)
            await self.house.demo.api.post(
                f"/api/config/automation/config/{AUTOMATION}",
                {
                    "alias": "Phone",
                    "use_blueprint": {"path": BLUEPRINT, "input": {"phone": phone}},
                },
            )

            async def is_on() -> bool:
                try:
                    return await self.house.state("automation.phone") == "on"
                except ApiError:
                    return False

            await until(is_on, PATIENCE, "automation.phone is on")
            line.saw("automation.phone is on")
