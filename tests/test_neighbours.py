"""A healthy endpoint among sick ones. Law: made-up time and wire, so that a delay of one millisecond would show."""

from itertools import count
from pathlib import Path

from simulation import Answer, Sent, endpoint, simulation

from sidecar.model import Response, Unreachable

SICK = ("dead", "slow", "flapping", "busy")
ALL = ("healthy", *SICK)


async def test_nothing_of_four_sick_neighbours_shows_in_the_delays_of_a_healthy_endpoint(tmp_path: Path) -> None:
    turns = count()

    def script(sent: Sent) -> Answer:
        match sent.endpoint:
            case "healthy":
                return Response(204)
            case "dead":
                return Unreachable("refused")
            case "slow":
                return it.take(10_000, Response(200))
            case "flapping":
                return Response(500) if next(turns) % 14 < 7 else Response(200)
            case _:
                return Response(429, b"", "30")

    async with simulation(tmp_path, script, endpoints=[endpoint(name) for name in ALL]) as it:
        accepted: dict[str, int] = {}
        for _ in range(60):
            for id_ in await it.add(*[f"repo{n}" for n in range(5)], to=ALL):
                accepted[id_] = it.clock.now()
            await it.pass_(1_000)
        late = [sent.at - accepted[sent.event] for sent in it.wire.sent if sent.endpoint == "healthy"]
        assert len(late) == 300
        assert set(late) == {0}
        for name in SICK:
            assert (await it.outbox.counts())[name].pending > 0, "it was sick, or this shows nothing"


async def test_what_one_endpoint_refuses_another_still_gets(tmp_path: Path) -> None:
    def script(sent: Sent) -> Answer:
        return Response(422 if sent.endpoint == "strict" else 204)

    async with simulation(tmp_path, script, endpoints=[endpoint("strict"), endpoint("mild")]) as it:
        await it.add("x", "x", to=("strict", "mild"))
        await it.until(lambda: len(it.wire.to("mild")) == 2)
        await it.pass_(1)
        counts = await it.outbox.counts()
        assert (counts["strict"].dead, counts["mild"].delivered) == (2, 2)
