"""Signatures: the specification's own, an independent sum, and everything that must not pass."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from avatar.errors import Spoiled, Unauthorised
from avatar.vault.keyring import Safe
from avatar.webhooks import sign
from avatar.webhooks.secret import OVERLAP, changed, made, signing

# The vector that the specification's reference libraries test themselves with.
TOLD, ID, AT, BODY = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1614265330,
    b'{"test": 2432232314}',
)
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
KEY = sign.read(TOLD)


def test_the_known_message_gets_the_known_signature() -> None:
    assert sign.headers([KEY], ID, AT, BODY) == {
        "webhook-id": ID,
        "webhook-timestamp": str(AT),
        "webhook-signature": SIGNED,
    }


def test_a_fresh_secret_signs_as_a_sum_made_by_hand() -> None:
    told = sign.shown(sign.fresh())
    key = base64.b64decode(told.removeprefix("whsec_"))
    by_hand = base64.b64encode(hmac.digest(key, b"m.5.{}", hashlib.sha256)).decode()
    assert sign.signature(sign.read(told), "m", 5, b"{}") == f"v1,{by_hand}"
    assert len(key) == 32


def test_what_was_signed_is_verified_and_so_is_one_of_several_signatures() -> None:
    sign.verify(KEY, sign.headers([KEY], ID, AT, BODY), BODY, AT + 299)
    sign.verify(KEY, sign.headers([sign.fresh(), KEY], ID, AT, BODY), BODY, AT)
    later = sign.headers([KEY], ID, AT, BODY)
    sign.verify(KEY, later | {"webhook-signature": f"v1a,x v2,y {SIGNED}"}, BODY, AT)


@pytest.mark.parametrize(
    ("change", "body", "now", "code"),
    [
        ({}, BODY + b" ", AT, "bad_signature"),
        ({"webhook-id": "msg_other"}, BODY, AT, "bad_signature"),
        ({"webhook-timestamp": str(AT + 1)}, BODY, AT, "bad_signature"),
        ({"webhook-signature": SIGNED.removeprefix("v1,")}, BODY, AT, "bad_signature"),
        ({"webhook-signature": SIGNED.replace("v1", "v2")}, BODY, AT, "bad_signature"),
        ({"webhook-signature": ""}, BODY, AT, "bad_signature"),
        ({"webhook-signature": "v1,é"}, BODY, AT, "bad_signature"),
        ({}, BODY, AT + 301, "stale_signature"),
        ({}, BODY, AT - 301, "stale_signature"),
        ({"webhook-timestamp": "soon"}, BODY, AT, "unsigned"),
    ],
)
def test_anything_changed_old_or_foreign_is_refused(change: dict[str, str], body: bytes, now: float, code: str) -> None:
    with pytest.raises(Unauthorised) as refused:
        sign.verify(KEY, sign.headers([KEY], ID, AT, BODY) | change, body, now)
    assert refused.value.code == code


def test_another_secret_or_no_signature_does_not_pass() -> None:
    with pytest.raises(Unauthorised):
        sign.verify(sign.fresh(), sign.headers([KEY], ID, AT, BODY), BODY, AT)
    with pytest.raises(Unauthorised):
        sign.verify(KEY, {}, BODY, AT)


@pytest.mark.parametrize("told", ["whsec_", "whsec_%%%%", "whsec_" + "A" * 28, "whsec_" + "A" * 88])
def test_a_secret_too_short_too_long_or_no_base64_is_none(told: str) -> None:
    with pytest.raises(ValueError, match="A secret"):
        sign.read(told)


def test_a_sealed_secret_opens_for_its_endpoint_and_under_its_key_alone() -> None:
    safe = Safe(bytes(32))
    sealed = made(safe, "end_1")
    assert signing(safe, "end_1", sealed, 0.0)[0] not in base64.b64decode(sealed)
    for ring, name in ((safe, "end_2"), (Safe(b"x" * 32), "end_1")):
        with pytest.raises(Spoiled):
            signing(ring, name, sealed, 0.0)


def test_after_a_change_both_secrets_sign_for_a_day_and_then_the_new_one_alone() -> None:
    safe = Safe(bytes(32))
    first = made(safe, "end_1")
    second = changed(safe, "end_1", first, now=1000.0)
    [old] = signing(safe, "end_1", first, 1000.0)
    new, before = signing(safe, "end_1", second, 1000.0 + OVERLAP - 1)
    assert (before, new != old) == (old, True)
    assert signing(safe, "end_1", second, 1000.0 + OVERLAP + 1) == [new]


def test_a_change_that_is_made_again_does_not_end_the_secret_that_the_receiver_has() -> None:
    safe = Safe(bytes(32))
    sealed = made(safe, "end_1")
    known = signing(safe, "end_1", sealed, 0.0)
    for at in (1.0, 2.0, 3.0):
        sealed = changed(safe, "end_1", sealed, at)
        known = [signing(safe, "end_1", sealed, at)[0], *known]
        assert signing(safe, "end_1", sealed, at) == known[:3]  # the newest, and two before it
    assert len(sealed) <= 200  # letters that the table has for it
    assert signing(safe, "end_1", sealed, 2.5 + OVERLAP) == known[:2]
