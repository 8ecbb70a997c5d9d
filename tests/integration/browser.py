"""Somebody in front of Home Assistant's pages."""

from typing import Any

from custom_components.portshare.const import DOMAIN


class RepairsBrowser:
    """Somebody who clicks through the repair of an issue."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._flow = ""

    async def begin(self, issue_id: str) -> Any:
        form = await self._post("", {"handler": DOMAIN, "issue_id": issue_id})
        self._flow = f"/{form['flow_id']}"
        return form

    async def submit(self) -> Any:
        return await self._post(self._flow, {})

    async def _post(self, path: str, data: dict[str, str]) -> Any:
        response = await self._client.post(f"/api/repairs/issues/fix{path}", json=data)
        assert response.status == 200
        return await response.json()
