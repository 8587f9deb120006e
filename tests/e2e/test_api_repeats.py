"""Idempotency-Key: whatever is sent again with the same key is done once, and answered as it was."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.access import Scope
from harvester.services.idempotency import KEPT, PRUNED_AT_ONCE, Ticket
from tests.e2e.guarded_server import DRAFT, PRIVATE, PUBLIC, TOKEN, Answer, Guarded, serving
from tests.receiver import answer, receiving

MANY = 50


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Guarded]:
    """A running API."""
    async with serving(database_uri) as running:
        yield running


async def count(api: Guarded, table: str) -> int:
    """How many rows a table has."""
    [row] = await api.rows(f"SELECT count(*) AS count FROM {table}")  # noqa: S608 - the test's own words
    number: int = row["count"]
    return number


def is_replay(first: Answer, second: Answer) -> bool:
    """Whether the second answer is the first one again."""
    assert "Idempotency-Replayed" not in first.headers
    same = (first.status, first.text) == (second.status, second.text)
    return same and second.headers.get("Idempotency-Replayed") == "true"


async def test_the_same_request_makes_one_invoice(api: Guarded) -> None:
    first = await api.ask("POST", "invoice", DRAFT, key="order-1")
    assert first.status == 200
    api.clock.advance(3600)
    for key in ("order-1", '"order-1"'):
        assert is_replay(first, await api.ask("POST", "invoice", DRAFT, key=key))
    assert await count(api, "invoices") == 1
    assert await count(api, "events") == 1
    assert api.metric("harvester_idempotent_requests_total", result="done") == 1
    assert api.metric("harvester_idempotent_requests_total", result="replayed") == 2


async def test_another_body_with_the_same_key_is_a_mistake(api: Guarded) -> None:
    await api.ask("POST", "invoice", DRAFT, key="order-1")
    for body in (DRAFT | {"amount": "6"}, {}, None):
        refused = await api.ask("POST", "invoice", body, key="order-1")
        assert (refused.status, refused.json["code"]) == (422, "idempotency_mismatch")
    assert await count(api, "invoices") == 1


async def test_a_key_is_one_of_its_token_and_its_path(api: Guarded) -> None:
    first, second = [(await api.ask("POST", "invoice", DRAFT, key=key)).json["id"] for key in "ab"]
    shop = await api.token("shop", Scope.WRITE)
    assert (await api.ask("POST", "invoice", DRAFT, shop, key="a")).json["id"] not in (first, second)
    assert (await api.ask("POST", f"invoices/{first}/cancel", key="a")).json["id"] == first
    assert (await api.ask("POST", f"invoices/{second}/cancel", key="a")).json["id"] == second


async def test_a_new_secret_of_a_token_has_the_keys_of_the_old_one(api: Guarded) -> None:
    old = await api.token("shop", Scope.WRITE)
    first = await api.ask("POST", "invoice", DRAFT, old, key="a")
    new = (await api.ask("POST", "tokens/shop/rotate", {})).json["token"]
    assert is_replay(first, await api.ask("POST", "invoice", DRAFT, new, key="a"))


async def test_what_was_refused_may_be_tried_again_with_the_same_key(api: Guarded) -> None:
    assert (await api.ask("POST", "invoice", DRAFT | {"amount": "0"}, key="a")).status == 400
    assert (await api.ask("POST", "invoice", DRAFT | {"currency": "XXX"}, key="a")).status == 400
    assert (await api.ask("POST", "invoice", DRAFT, key="a")).status == 200
    assert await count(api, "idempotency_keys") == 1


@pytest.mark.parametrize("key", ["", '""', "ü", '"a', 'a"', "a" * 256, '"' + "a" * 256 + '"', '"\\a"'])
async def test_what_is_no_key_is_refused(api: Guarded, key: str) -> None:
    refused = await api.ask("POST", "invoice", DRAFT, key=key)
    assert refused.status == 400
    assert "Idempotency-Key" in refused.json["error"]
    assert await count(api, "invoices") == 0


@pytest.mark.parametrize("key", ["a", "a" * 255, '"' + "a" * 255 + '"', "a b", '"a \\"b\\" \\\\c"', "!#$~[]"])
async def test_whatever_is_a_key_works(api: Guarded, key: str) -> None:
    first = await api.ask("POST", "invoice", DRAFT, key=key)
    assert is_replay(first, await api.ask("POST", "invoice", DRAFT, key=key))


async def test_two_keys_are_none(api: Guarded) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("Authorization", f"Bearer {TOKEN}")]
    async with api.http.post(f"{PRIVATE}/invoice", json=DRAFT, headers=headers) as refused:
        assert refused.status == 400


async def test_get_has_no_use_for_a_key(api: Guarded) -> None:
    for _ in range(2):
        assert "Idempotency-Replayed" not in (await api.ask("GET", "invoices", key="a")).headers
    assert await count(api, "idempotency_keys") == 0


async def test_many_at_the_same_moment_make_one_invoice(api: Guarded) -> None:
    answers = await asyncio.gather(*(api.ask("POST", "invoice", DRAFT, key="a") for _ in range(MANY)))
    first = await one_is_done(answers)
    running = [each for each in answers if each.status == 409]
    assert all(each.json["code"] == "idempotency_running" for each in running)
    assert all(int(each.headers["Retry-After"]) >= 1 for each in running)
    assert (await api.ask("POST", "invoice", DRAFT, key="a")).text == first.text
    assert await count(api, "invoices") == 1


@pytest.mark.parametrize("with_order", [False, True])
async def test_many_at_the_same_moment_in_two_processes_make_one_invoice(
    api: Guarded, database_uri: str, with_order: bool
) -> None:
    draft = DRAFT | ({"order_id": "4711"} if with_order else {})
    async with serving(database_uri) as other:
        for key in "abcde":
            asked = (each.ask("POST", "invoice", draft, key=key) for each in (api, other) for _ in range(MANY // 2))
            await one_is_done(await asyncio.gather(*asked), refused=with_order)
    assert await count(api, "invoices") == (1 if with_order else 5)


async def one_is_done(answers: list[Answer], refused: bool = False) -> Answer:
    """Return the one answer that was not a replay, which all others are, or else a request to try again."""
    assert {each.status for each in answers} <= {200, 409}, [each.text for each in answers]
    good = [each for each in answers if each.status == 200]
    assert len({each.text for each in good}) == (0 if refused and not good else 1)
    if not good:
        return answers[0]
    [first] = [each for each in good if "Idempotency-Replayed" not in each.headers]
    return first


async def test_an_invoice_is_cancelled_once_and_says_so_again(api: Guarded) -> None:
    number = (await api.ask("POST", "invoice", DRAFT)).json["id"]
    first = await api.ask("POST", f"invoices/{number}/cancel", key="a")
    assert first.json["status"] == "cancelled"
    assert is_replay(first, await api.ask("POST", f"invoices/{number}/cancel", key="a"))
    assert (await api.ask("POST", f"invoices/{number}/cancel", key="b")).status == 404


async def test_two_processes_cancel_once_and_both_say_so(api: Guarded, database_uri: str) -> None:
    async with serving(database_uri) as other:
        for _ in range(10):
            number = (await api.ask("POST", "invoice", DRAFT)).json["id"]
            both = await asyncio.gather(
                *(each.ask("POST", f"invoices/{number}/cancel", key="a") for each in (api, other))
            )
            assert [each.status for each in both] == [200, 200]
            assert both[0].text == both[1].text
    assert await count(api, "events") == 20


async def test_acts_on_payments_are_done_once(api: Guarded) -> None:
    number = await api.unmatched_payment()
    invoice = (await api.ask("POST", "invoice", DRAFT)).json["id"]
    for act, body in (
        ("ignore", {"reason": "a gift"}),
        ("assign", {"invoice_id": invoice}),
        ("refund", {"reason": "sent back"}),
    ):
        first = await api.ask("POST", f"payments/{number}/{act}", body, key="a")
        assert first.status == 200, first.text
        assert is_replay(first, await api.ask("POST", f"payments/{number}/{act}", body, key="a"))
    assert len((await api.ask("GET", f"payments/{number}")).json["acts"]) == 3


async def test_doing_an_act_again_with_a_new_key_keeps_that_one_too(api: Guarded) -> None:
    number = await api.unmatched_payment()
    path, body = f"payments/{number}/ignore", {"reason": "a gift"}
    for key in "ab":
        first = await api.ask("POST", path, body, key=key)
        assert is_replay(first, await api.ask("POST", path, body, key=key))
    assert len((await api.ask("GET", f"payments/{number}")).json["acts"]) == 1


async def test_endpoints_and_deliveries_are_done_once(api: Guarded) -> None:
    async with receiving() as receiver:
        receiver.behaviour = answer(200, b"ok")
        new = {"name": "shop", "url": receiver.url}
        await twice(api, "endpoints", new)
        await api.ask("POST", "invoice", DRAFT)
        secrets = [(await twice(api, "endpoints/shop/rotate-secret", {"overlap": 60})).json["secret"]]
        secrets += [row["secret"] for row in await api.rows("SELECT secret FROM endpoints")]
        assert secrets[0] == secrets[1]
        for path, body in (("disable", None), ("enable", None), ("test", None), ("replay", {"since": 0})):
            await twice(api, f"endpoints/shop/{path}", body)
        assert len(receiver.received) == 1
        [delivery] = (await api.ask("GET", "endpoints/shop/deliveries")).json["deliveries"]
        await twice(api, f"deliveries/{delivery['id']}/resend")


async def test_an_old_rate_that_is_sent_again_does_not_overrule_a_new_one(api: Guarded) -> None:
    for key, rate in (("a", "5"), ("b", "6"), ("a", "5")):
        assert (await api.ask("POST", "rates", {"currency": "USD", "rate": rate}, key=key)).status == 201
    [last] = (await api.ask("GET", "rates")).json["rates"]
    assert last["rate"] == "6"


async def twice(api: Guarded, path: str, body: Any = None) -> Answer:
    """Send a request twice; the second must be answered like the first."""
    first = await api.ask("POST", path, body, key="a")
    assert first.status in (200, 201), first.text
    assert is_replay(first, await api.ask("POST", path, body, key="a"))
    return first


async def test_a_key_costs_one_question_more(api: Guarded) -> None:
    async def asked(path: str, body: Any, key: str | None) -> list[str]:
        await api.ask("POST", path, body, key="warm" + path)
        api.statements.clear()
        assert (await api.ask("POST", path, body, key=key)).status == 200
        return [each for each in api.statements if each != "acquire"]

    assert await asked("invoice", DRAFT, None) == ["statement"]
    assert await asked("invoice", DRAFT, "a") == ["statement"] * 2
    cancelling = []
    for key in (None, "a", None, "a"):  # the first of each prepares its statements
        number = (await api.ask("POST", "invoice", DRAFT)).json["id"]
        api.statements.clear()
        assert (await api.ask("POST", f"invoices/{number}/cancel", key=key)).status == 200
        cancelling.append(len([each for each in api.statements if each != "acquire"]))
    assert cancelling[3] == cancelling[2] + 1


async def test_keys_are_kept_for_a_day_and_then_forgotten_in_steps(
    api: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timedelta(hours=24) < KEPT
    assert PRUNED_AT_ONCE <= 1000
    monkeypatch.setattr("harvester.services.idempotency.PRUNED_AT_ONCE", 2)
    for key in "abcde":
        await api.ask("POST", "invoice", DRAFT, key=key)
    api.clock.advance(24 * 3600)
    assert not await api.keys.prune()
    assert await count(api, "idempotency_keys") == 5
    api.clock.advance(3601)
    assert (await api.ask("POST", "invoice", DRAFT, key="f")).status == 200
    assert [await api.keys.prune() for _ in range(4)] == [True, True, False, False]
    assert await count(api, "idempotency_keys") == 1


async def test_a_large_answer_is_kept_too(api: Guarded) -> None:
    draft = DRAFT | {"private_info": {"note": "é" * 500_000}}
    body = json.dumps(draft, ensure_ascii=False).encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "a"}
    texts = []
    for _ in range(2):
        async with api.http.post(f"{PRIVATE}/invoice", data=body, headers=headers) as given:
            texts.append((given.status, await given.read()))
    assert texts[0] == texts[1]
    assert texts[0][0] == 200


async def test_public_routes_have_no_keys(api: Guarded) -> None:
    number = (await api.ask("POST", "invoice", DRAFT)).json["id"]
    assert (await api.ask("GET", f"{PUBLIC}/invoices/{number}", token=None, key='"')).status == 200


texts = st.text(max_size=5)


@given(st.tuples(texts, texts, texts, texts), st.tuples(texts, texts, texts, texts))
def test_requests_are_the_same_only_if_all_parts_are(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    assert (Ticket.of(*one, b"").id == Ticket.of(*other, b"").id) is (one == other)
    assert Ticket.of(*one, b"a").id == Ticket.of(*one, b"b").id
