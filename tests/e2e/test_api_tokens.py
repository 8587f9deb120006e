"""Tokens over the API: what they let through, for how long, and what becomes of who has none."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from harvester.api.limits import GUESSES_PER_MINUTE, Limits
from harvester.domain.access import Scope
from harvester.services.authentication import MAX_REMEMBERED, TRUSTED_SECS
from harvester.services.tokens import MAX_LIFE_SECS
from tests.e2e.eventually import eventually
from tests.e2e.guarded_server import DRAFT, PRIVATE, TOKEN, Guarded, serving

STRANGER = "203.0.113.7"


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Guarded]:
    """A running API."""
    async with serving(database_uri) as running:
        yield running


async def test_a_token_is_shown_once_and_never_stored(api: Guarded) -> None:
    new = {"name": "shop", "scopes": ["write", "read"], "expires_in": 3600}
    made = await api.ask("POST", "tokens", new, key="k")
    text = made.json["token"]
    secret = text.rsplit("_", 1)[1]
    assert made.status == 201
    assert made.json["scopes"] == ["read", "write"]
    assert made.json["expires_at"] == made.json["created_at"] + 3600
    again = await api.ask("POST", "tokens", new, key="k")
    assert again.json == {name: value for name, value in made.json.items() if name != "token"}
    assert secret not in (await api.ask("GET", "tokens")).text
    kept = "".join(
        map(str, [*await api.rows("SELECT * FROM api_tokens"), *await api.rows("SELECT * FROM idempotency_keys")])
    )
    assert secret not in kept
    [row] = await api.rows("SELECT hash FROM api_tokens")
    assert row["hash"] == hashlib.sha256(text.encode()).digest()


async def test_it_opens_what_its_scopes_say_and_nothing_else(api: Guarded) -> None:
    writer = await api.token("writer", Scope.WRITE)
    made = await api.ask("POST", "invoice", DRAFT, writer)
    assert made.status == 200
    for method, path, scope in (
        ("GET", "invoices", "read"),
        ("POST", "endpoints", "operate"),
        ("GET", "tokens", "operate"),
    ):
        refused = await api.ask(method, path, {} if method == "POST" else None, writer)
        assert (refused.status, refused.json["code"]) == (403, "forbidden_scope")
        assert f"'{scope}'" in refused.json["error"]
    assert api.metric("harvester_auth_failures_total", reason="scope") == 3


@pytest.mark.parametrize("change", ["secret", "id", "case", "longer", "prefix"])
async def test_a_token_that_is_not_quite_right_is_wrong(api: Guarded, change: str) -> None:
    right = await api.token("shop", Scope.READ)
    _, name, secret = right.split("_")
    wrong = {
        "secret": f"hvt_{name}_{secret[:-1]}{'a' if secret[-1] != 'a' else 'b'}",
        "id": f"hvt_{name[::-1]}_{secret}",
        "case": right.swapcase(),
        "longer": right + "a",
        "prefix": f"hvx_{name}_{secret}",
    }[change]
    for _ in range(2):
        refused = await api.ask("GET", "invoices", token=wrong)
        assert (refused.status, refused.text) == (401, "")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert (await api.ask("GET", "invoices", token=right)).status == 200
    assert api.metric("harvester_auth_failures_total", reason="wrong") == 2


async def test_a_missing_token_is_counted_apart(api: Guarded) -> None:
    assert (await api.ask("GET", "invoices", token=None)).status == 401
    assert api.metric("harvester_auth_failures_total", reason="missing") == 1


async def test_it_ends_when_it_was_said_to(api: Guarded) -> None:
    token = await api.token("shop", Scope.READ, life_secs=60)
    assert (await api.ask("GET", "invoices", token=token)).status == 200
    api.clock.advance(59)
    assert (await api.ask("GET", "invoices", token=token)).status == 200
    api.clock.advance(1)
    assert (await api.ask("GET", "invoices", token=token)).status == 401


async def test_both_secrets_are_good_until_the_overlap_ends(api: Guarded) -> None:
    old = await api.token("shop", Scope.READ)
    assert (await api.ask("GET", "invoices", token=old)).status == 200
    rotated = (await api.ask("POST", "tokens/shop/rotate", {"overlap": 100, "expires_in": 500})).json
    new = rotated["token"]
    assert rotated["expires_at"] == rotated["old_secret_until"] + 400
    assert [(await api.ask("GET", "invoices", token=text)).status for text in (old, new)] == [200, 200]
    api.clock.advance(100)
    assert [(await api.ask("GET", "invoices", token=text)).status for text in (old, new)] == [401, 200]


async def test_a_rotation_without_overlap_shuts_the_old_secret_out_at_once(api: Guarded) -> None:
    old = await api.token("shop", Scope.READ)
    new = (await api.ask("POST", "tokens/shop/rotate", {"overlap": 0})).json["token"]
    assert [(await api.ask("GET", "invoices", token=text)).status for text in (old, new)] == [401, 200]


@asynccontextmanager
async def hearing(api: Guarded) -> AsyncIterator[None]:
    """Let a server hear what other processes do."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(api.signals.run()), group.create_task(api.authentication.heed_hints())]
        yield
        for task in tasks:
            task.cancel()


async def test_a_revocation_reaches_other_processes_by_a_hint(api: Guarded, database_uri: str) -> None:
    token = await api.token("shop", Scope.READ)
    async with serving(database_uri) as other, hearing(other):
        assert (await other.ask("GET", "invoices", token=token)).status == 200

        async def shut_out() -> bool:
            return (await other.ask("GET", "invoices", token=token)).status == 401

        assert (await api.ask("POST", "tokens/shop/revoke")).status == 200
        await eventually(shut_out, "the other process hears of it; its clock stands still")
    assert (await api.ask("GET", "invoices", token=token)).status == 401
    assert (await api.ask("POST", "tokens/shop/revoke")).status == 404


async def test_a_stream_of_events_ends_with_its_token(api: Guarded) -> None:
    token = await api.token("shop", Scope.READ)
    headers = {"Authorization": f"Bearer {token}"}
    await api.ask("POST", "invoice", DRAFT)
    async with hearing(api), api.http.get(f"{PRIVATE}/events/stream", headers=headers) as stream:
        while not (await stream.content.readline()).startswith(b"data"):
            pass
        await api.tokens.revoke("shop")

        async def shut_out() -> bool:
            return (await api.ask("GET", "invoices", token=token)).status == 401

        await eventually(shut_out, "the revocation is heard of")
        await api.ask("POST", "invoice", DRAFT)
        assert b"data" not in await stream.content.read()


async def test_a_revocation_whose_hint_is_lost_holds_after_seconds(api: Guarded, database_uri: str) -> None:
    token = await api.token("shop", Scope.READ)
    async with serving(database_uri) as other:
        assert (await other.ask("GET", "invoices", token=token)).status == 200
        await api.tokens.revoke("shop")
        assert (await other.ask("GET", "invoices", token=token)).status == 200
        other.clock.advance(TRUSTED_SECS)
        assert (await other.ask("GET", "invoices", token=token)).status == 401


async def test_a_token_is_looked_up_once_in_a_while_and_that_of_the_environment_never(api: Guarded) -> None:
    token = await api.token("shop", Scope.READ)
    api.statements.clear()
    for _ in range(5):
        await api.ask("GET", "invoices", token=TOKEN)
    each = api.statements.count("statement")
    assert each == 5
    for _ in range(5):
        await api.ask("GET", "invoices", token=token)
    assert api.statements.count("statement") == each + 5 + 1
    api.clock.advance(TRUSTED_SECS)
    await api.ask("GET", "invoices", token=token)
    assert api.statements.count("statement") == each + 5 + 1 + 2


async def test_no_more_tokens_are_remembered_than_there_is_room_for(
    api: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_REMEMBERED >= 1000
    monkeypatch.setattr("harvester.services.authentication.MAX_REMEMBERED", 2)
    tokens = [await api.token(f"shop-{number}", Scope.READ) for number in range(3)]
    for token in tokens:
        assert (await api.ask("GET", "invoices", token=token)).status == 200
    assert [api.authentication.remembers(token) for token in tokens] == [False, True, True]


async def test_uses_are_written_at_most_once_a_minute(api: Guarded) -> None:
    token = await api.token("shop", Scope.READ)

    async def last_used_after(secs: int) -> int | None:
        api.clock.advance(secs)
        await api.ask("GET", "invoices", token=token)
        await api.authentication.write_uses()
        [listed] = (await api.ask("GET", "tokens")).json["tokens"]
        return listed["last_used_at"] - listed["created_at"] if "last_used_at" in listed else None

    assert [await last_used_after(secs) for secs in (0, 30, 29, 1, 70)] == [0, 0, 0, 60, 130]
    api.statements.clear()
    await api.authentication.write_uses()
    assert api.statements == []


async def test_nobody_grants_what_they_do_not_have(api: Guarded) -> None:
    operator = await api.token("operator", Scope.OPERATE, Scope.READ)
    await api.token("shop", Scope.WRITE)
    for path, body in (("tokens", {"name": "x", "scopes": ["read", "write"]}), ("tokens/shop/rotate", {})):
        refused = await api.ask("POST", path, body, operator)
        assert (refused.status, refused.json["code"]) == (403, "forbidden_scope")
        assert "'write'" in refused.json["error"]
    assert (await api.ask("POST", "tokens", {"name": "x", "scopes": ["read"]}, operator)).status == 201
    assert (await api.ask("POST", "tokens/x/rotate", {}, operator)).status == 200
    assert (await api.ask("POST", "tokens/shop/revoke", None, operator)).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"name": "shop", "scopes": ["read"]},
        {"name": "", "scopes": ["read"]},
        {"name": "a b", "scopes": ["read"]},
        {"name": "x" * 65, "scopes": ["read"]},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["admin"]},
        {"name": "x", "scopes": "read"},
        {"name": "x", "scopes": ["read"], "expires_in": 0},
        {"name": "x", "scopes": ["read"], "expires_in": MAX_LIFE_SECS + 1},
        {"name": "x", "scopes": ["read"], "expire_in": 60},
    ],
    ids=str,
)
async def test_what_is_no_token_is_refused(api: Guarded, body: dict[str, object]) -> None:
    await api.token("shop", Scope.READ)
    assert (await api.ask("POST", "tokens", body)).status == 400
    assert len((await api.ask("GET", "tokens")).json["tokens"]) == 1


async def test_a_name_that_is_taken_and_a_full_house_are_told_apart(
    api: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvester.services.tokens.MAX_TOKENS", 1)
    await api.token("shop", Scope.READ)
    for name, said in (("shop", "a token named 'shop'"), ("more", "1 tokens already")):
        assert said in (await api.ask("POST", "tokens", {"name": name, "scopes": ["read"]})).json["error"]


async def test_a_name_is_free_again_after_its_token_was_revoked(api: Guarded) -> None:
    await api.token("shop", Scope.READ)
    await api.tokens.revoke("shop")
    await api.token("shop", Scope.READ)
    assert len((await api.ask("GET", "tokens")).json["tokens"]) == 1


async def test_acts_on_payments_say_which_token_did_them(api: Guarded) -> None:
    operator = await api.token("back-office", Scope.OPERATE, Scope.READ)
    number = await api.unmatched_payment()
    await api.ask("POST", f"payments/{number}/ignore", {"reason": "a gift", "actor": "alice"}, operator)
    await api.ask("POST", f"payments/{number}/refund", {"reason": "sent back"}, operator)
    acts = (await api.ask("GET", f"payments/{number}")).json["acts"]
    assert [act["actor"] for act in acts] == ["api:back-office:alice", "api:back-office"]


async def test_whoever_guesses_is_slowed_down_alone(api: Guarded) -> None:
    shop, late = await api.token("shop", Scope.READ), await api.token("late", Scope.READ)
    assert (await api.ask("GET", "invoices", token=shop)).status == 200
    guesses = [
        (await api.ask("GET", "invoices", token=f"guess-{number}", address=STRANGER)).status
        for number in range(GUESSES_PER_MINUTE + 5)
    ]
    assert guesses == [401] * GUESSES_PER_MINUTE + [429] * 5
    refused = await api.ask("GET", "invoices", token=late, address=STRANGER)
    assert (refused.status, refused.json["code"]) == (429, "too_many_requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert api.metric("harvester_auth_failures_total", reason="limited") == 6
    for token in (TOKEN, shop):
        assert (await api.ask("GET", "invoices", token=token, address=STRANGER)).status == 200
    assert (await api.ask("GET", "invoices", token=late, address="203.0.113.8")).status == 200
    assert (await api.ask("GET", "invoices", token="guess", address="203.0.113.8")).status == 401


async def test_a_change_of_one_token_shuts_no_other_out_while_somebody_guesses(api: Guarded) -> None:
    shop, other = await api.token("shop", Scope.READ), await api.token("other", Scope.READ)
    for token in (shop, other):
        assert (await api.ask("GET", "invoices", token=token, address=STRANGER)).status == 200
    for number in range(GUESSES_PER_MINUTE):
        await api.ask("GET", "invoices", token=f"guess-{number}", address=STRANGER)
    async with hearing(api):

        async def shut_out() -> bool:
            return (await api.ask("GET", "invoices", token=other, address=STRANGER)).status in (401, 429)

        await api.tokens.revoke("other")
        await eventually(shut_out, "the revocation is heard of")
        assert (await api.ask("GET", "invoices", token=shop, address=STRANGER)).status == 200


async def test_this_machine_may_guess_as_its_proxy_may_be_everybody(database_uri: str) -> None:
    async with serving(database_uri, limits=Limits()) as api:
        for number in range(GUESSES_PER_MINUTE + 5):
            assert (await api.ask("GET", "invoices", token=f"guess-{number}", address=STRANGER)).status == 401


async def test_no_name_of_a_token_is_in_the_metrics(api: Guarded) -> None:
    token = await api.token("very-special-name", Scope.READ)
    await api.ask("GET", "invoices", token=token)
    await api.ask("POST", "invoice", DRAFT, token)
    samples = [sample for family in api.registry.collect() for sample in family.samples]
    assert not [sample for sample in samples if "special" in str(sample) or token[:10] in str(sample)]


async def test_who_holds_the_database_up_can_still_use_the_token_of_the_environment(
    api: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.authentication, "database", None)
    assert (await api.ask("GET", "invoices")).status == 200
