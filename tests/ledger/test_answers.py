"""First answers: one turn, one answer, whoever repeats the call."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, update

from avatar.errors import JobRefused, NotNow
from avatar.ledger import answers
from avatar.ledger.answers import Answer, Turn
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.ledger.engine import transaction
from avatar.ledger.tables import AnswerRow

GIVEN = Answer(201, '{"id": 1}', "/v1/jobs/1")


def turn(engine: Engine, client: Client, key: str = "key-0001", request: str = "a") -> Turn:
    found = answers.take(engine, client, key, request)
    assert isinstance(found, Turn)
    return found


def test_a_repeat_gets_the_first_answer_and_another_request_an_error(engine: Engine, client: Client) -> None:
    answers.give(engine, turn(engine, client), GIVEN)
    assert answers.take(engine, client, "key-0001", "a") == GIVEN
    with pytest.raises(JobRefused, match="another request"):
        answers.take(engine, client, "key-0001", "b")


def test_a_key_belongs_to_one_client(engine: Engine, client: Client) -> None:
    answers.give(engine, turn(engine, client), GIVEN)
    other, _ = make_client(engine, "other", Scope.CLIENT, Quota())
    assert turn(engine, other, request="b").client == other.id


def test_a_repeat_while_the_first_is_under_way_is_told_to_wait(engine: Engine, client: Client) -> None:
    turn(engine, client)
    with pytest.raises(NotNow, match="under way"):
        answers.take(engine, client, "key-0001", "a")


def test_a_call_that_was_cut_off_goes_on_under_the_same_name(engine: Engine, client: Client) -> None:
    first = turn(engine, client)
    with transaction(engine) as session:
        session.execute(update(AnswerRow).values(lease_until=0.0))
    assert turn(engine, client).nonce == first.nonce


def test_after_an_error_the_key_is_free_again(engine: Engine, client: Client) -> None:
    answers.forget(engine, turn(engine, client))
    assert turn(engine, client, request="b").key
