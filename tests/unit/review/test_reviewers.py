"""Reviewers are who was invited; an account is one reviewer's alone."""

import pytest

from answerloop.db.repositories import reviewers
from answerloop.errors import InvalidReviewer
from review.reviewers import _refuse_strangers


def admit(database, email, people=(), account=None) -> None:
    with database.writing() as session:
        reviewers.admit(session, email, people, account, "operator")


def everybody(database):
    with database.reading() as session:
        return {view.id: (view.people, view.account) for view in reviewers.everybody(session)}


def test_inviting_again_adds_who_they_are_and_keeps_their_account(database):
    admit(database, "ann@x.example", ["slack:T1:U1"], "2@then")
    admit(database, "ann@x.example", ["ann"])
    assert everybody(database) == {"ann@x.example": (("ann", "slack:T1:U1"), "2@then")}


def test_an_account_that_goes_to_somebody_else_is_no_longer_the_others(database):
    admit(database, "ann@x.example", account="2@then")
    admit(database, "ben@x.example", account="2@then")
    assert everybody(database) == {"ann@x.example": ((), None), "ben@x.example": ((), "2@then")}


def test_an_account_that_was_there_before_is_trusted_only_when_it_was_ours(database):
    admit(database, "ann@x.example", account="2@then")
    with database.reading() as session:
        _refuse_strangers(session, "ann@x.example", "2@then")
        for email, account in (("ann@x.example", "7@later"), ("ben@x.example", "3@then")):
            with pytest.raises(InvalidReviewer, match="--adopt"):
                _refuse_strangers(session, email, account)
