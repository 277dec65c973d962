"""Ref filters, from the setting to the wire. Law: the real process and real receivers; what must not come would have
come first."""

from pathlib import Path

from hook import hook
from running import SECRET, build, environment, serving


def on(ref: str, name: str) -> dict[str, object]:
    return build(1, id=name) | {"build": {"number": 1, "ref": ref}}


async def test_a_build_on_main_passes_by_who_wants_releases(tmp_path: Path) -> None:
    async with hook() as every, hook() as releases:
        settings = environment(
            tmp_path,
            SIDECAR_ENDPOINT_EVERY_URL=every.url,
            SIDECAR_ENDPOINT_EVERY_SECRET=SECRET,
            SIDECAR_ENDPOINT_RELEASES_URL=releases.url,
            SIDECAR_ENDPOINT_RELEASES_SECRET=SECRET,
            SIDECAR_ENDPOINT_RELEASES_REFS="refs/heads/release-*",
        )
        async with serving(settings) as process:
            status, told = await process.post("/explain", on("refs/heads/main", "main"))
            assert (status, {one["endpoint"]: one["rule"] for one in told["endpoints"]}) == (
                200,
                {"every": "", "releases": "no ref pattern of refs/heads/release-* matches refs/heads/main"},
            )
            await process.post("/events", on("refs/heads/main", "main"))
            await process.post("/events", on("refs/heads/release-1", "release"))
            await every.until_good(2)
            await releases.until_good(1)
            assert await process.stop() == 0
    assert [seen.event for seen in every.seen] == ["main", "release"]
    assert [seen.event for seen in releases.seen] == ["release"]
