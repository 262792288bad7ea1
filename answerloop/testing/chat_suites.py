"""The conformance suites for what shows answers in a chat. As those of `port_suites.py`, they run under pytest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pytest

from answerloop.domain import Confidence, Notice, NoticeKind, Outcome, OutgoingMessage, Progress, Stage
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DeliveryUncertain, MessageDeleted
from answerloop.ports import ChatDelivery, RateLimiter

Address = Mapping[str, object]

WAITING = Progress("q1", Stage.QUEUED)
READING = Progress("q1", Stage.READING)
ANSWER = OutgoingMessage("q1", "a1", "Leave is 90 days.", Outcome.ANSWERED, Confidence.SURE, ())
CORRECTED = OutgoingMessage("q1", "a1", "Leave is 95 days.", Outcome.ANSWERED, Confidence.SURE, (), verified=True)
CALL = Notice("n1", NoticeKind.ESCALATION, question="Who can help me?")


class ChatDeliverySuite:
    """Provide the fixtures `chat` and `address`, where everybody reads along and the question `q1` was asked."""

    def test_an_answer_keeps_the_id_of_its_message(self, chat: ChatDelivery, address: Address) -> None:
        opened = chat.open(address, WAITING)
        chat.show(address, opened, READING)
        first = chat.deliver(address, opened, ANSWER)
        assert chat.deliver(address, first, CORRECTED) == first

    def test_a_notice_keeps_the_id_of_its_message(self, chat: ChatDelivery, address: Address) -> None:
        first = chat.notify(address, None, CALL)
        assert chat.notify(address, first, CALL) == first

    def test_what_was_never_posted_is_not_found(self, chat: ChatDelivery, address: Address) -> None:
        chat.deliver(address, chat.open(address, WAITING), ANSWER)
        assert chat.find(address, "q2") is None

    def test_withdrawing_twice_is_withdrawing_once(self, chat: ChatDelivery, address: Address) -> None:
        shown = chat.deliver(address, None, ANSWER)
        chat.withdraw(address, shown)
        chat.withdraw(address, shown)
        chat.withdraw(address, None)


class Platform(Protocol):
    """A chat platform under test."""

    def seen(self) -> list[str]:
        """What everybody reads in the place of `address`: the text of each message."""

    def lose_next_reply(self) -> None:
        """Take the next message and break the connection before saying so."""

    def be_busy_once(self, seconds: float) -> None:
        """Answer the next message with: come back in so many seconds."""

    def refuse_once(self) -> None:
        """Answer the next message with: never here."""

    def delete_all(self) -> None:
        """Somebody deletes every message of ours there."""


class PostingChatSuite(ChatDeliverySuite):
    """For platforms where we post messages. Provide `platform` too."""

    def test_from_question_to_answer_there_is_one_message(
        self, chat: ChatDelivery, address: Address, platform: Platform
    ) -> None:
        opened = chat.open(address, WAITING)
        assert len(platform.seen()) == 1
        for _ in range(2):
            chat.show(address, opened, READING)
            assert len(platform.seen()) == 1
        delivered = chat.deliver(address, opened, ANSWER)
        for _ in range(2):
            chat.deliver(address, delivered, ANSWER)
            [seen] = platform.seen()
            assert ANSWER.text in seen

    def test_a_corrected_answer_stands_in_its_place(
        self, chat: ChatDelivery, address: Address, platform: Platform
    ) -> None:
        chat.deliver(address, chat.deliver(address, None, ANSWER), CORRECTED)
        [seen] = platform.seen()
        assert CORRECTED.text in seen

    def test_a_notice_twice_is_one(self, chat: ChatDelivery, address: Address, platform: Platform) -> None:
        chat.notify(address, chat.notify(address, None, CALL), CALL)
        [seen] = platform.seen()
        assert CALL.question in seen

    def test_what_was_withdrawn_is_gone(self, chat: ChatDelivery, address: Address, platform: Platform) -> None:
        chat.withdraw(address, chat.deliver(address, chat.open(address, WAITING), ANSWER))
        assert platform.seen() == []

    def test_a_busy_platform_says_how_long_to_wait(
        self, chat: ChatDelivery, address: Address, platform: Platform
    ) -> None:
        platform.be_busy_once(7.0)
        with pytest.raises(DeliveryUnavailable) as busy:
            chat.deliver(address, None, ANSWER)
        assert not isinstance(busy.value, DeliveryUncertain)
        assert busy.value.retry_after_seconds == pytest.approx(7.0, abs=0.5)
        assert platform.seen() == []

    def test_a_place_that_is_gone_is_no_passing_fault(
        self, chat: ChatDelivery, address: Address, platform: Platform
    ) -> None:
        platform.refuse_once()
        with pytest.raises(DeliveryImpossible):
            chat.deliver(address, None, ANSWER)
        assert platform.seen() == []

    def test_a_message_that_somebody_deleted_is_told_from_a_place_that_is_gone(
        self, chat: ChatDelivery, address: Address, platform: Platform
    ) -> None:
        opened = chat.open(address, WAITING)
        platform.delete_all()
        with pytest.raises(MessageDeleted):
            chat.deliver(address, opened, ANSWER)
        assert platform.seen() == []


class SearchableChatSuite(PostingChatSuite):
    """For platforms that can be asked what stands there."""

    @pytest.mark.parametrize("again", [WAITING, ANSWER, CALL])
    def test_a_post_whose_reply_was_lost_is_found(
        self, chat: ChatDelivery, address: Address, platform: Platform, again: Progress | OutgoingMessage | Notice
    ) -> None:
        platform.lose_next_reply()
        with pytest.raises(DeliveryUncertain):
            self._put(chat, address, None, again)
        found = chat.find(address, CALL.id if again is CALL else ANSWER.question_id)
        assert found is not None
        self._put(chat, address, found, again)
        assert len(platform.seen()) == 1

    def _put(
        self, chat: ChatDelivery, address: Address, there: str | None, what: Progress | OutgoingMessage | Notice
    ) -> None:
        if isinstance(what, Notice):
            chat.notify(address, there, what)
        elif isinstance(what, OutgoingMessage):
            chat.deliver(address, there, what)
        elif there is None:
            chat.open(address, what)
        else:
            chat.show(address, there, what)


class UnsearchableChatSuite(PostingChatSuite):
    """For platforms that cannot. Of a lost reply nothing is left there but a message that says nothing."""

    @pytest.mark.parametrize("stage", [Stage.QUEUED, Stage.WRITING])
    def test_whatever_was_posted_in_doubt_is_no_answer(
        self, chat: ChatDelivery, address: Address, platform: Platform, stage: Stage
    ) -> None:
        platform.lose_next_reply()
        with pytest.raises(DeliveryUncertain):
            chat.open(address, Progress("q1", stage))
        assert chat.find(address, "q1") is None
        chat.deliver(address, chat.open(address, WAITING), ANSWER)
        assert sum(ANSWER.text in seen for seen in platform.seen()) == 1

    def test_an_answer_without_a_place_gets_one_before_it_is_shown(
        self, chat: ChatDelivery, address: Address, platform: Platform
    ) -> None:
        platform.lose_next_reply()
        with pytest.raises(DeliveryUncertain):
            chat.deliver(address, None, ANSWER)
        assert not any(ANSWER.text in seen for seen in platform.seen())


class RateLimiterSuite:
    """Provide the fixtures `limiter` and `pass_time`, which waits for so many seconds."""

    rate = 4.0

    def test_a_burst_is_let_through_and_the_next_one_waits_its_turn(
        self, limiter: RateLimiter, pass_time: Callable[[float], None]
    ) -> None:
        assert [limiter.reserve("room", self.rate, 3) for _ in range(3)] == [0, 0, 0]
        wait = limiter.reserve("room", self.rate, 3)
        assert 0 < wait <= 1 / self.rate
        pass_time(wait)
        assert limiter.reserve("room", self.rate, 3) == 0, "asking in vain has taken no place"
        assert limiter.reserve("room", self.rate, 3) > 0

    def test_rooms_do_not_wait_for_each_other(self, limiter: RateLimiter) -> None:
        assert limiter.reserve("one", self.rate, 1) == 0
        assert limiter.reserve("two", self.rate, 1) == 0
        assert limiter.reserve("one", self.rate, 1) > 0

    def test_whoever_asks_for_less_leaves_places_to_others(self, limiter: RateLimiter) -> None:
        while limiter.reserve("room", self.rate, 2) == 0:
            pass
        assert limiter.reserve("room", self.rate, 4) == 0

    def test_a_pause_holds_for_everybody_and_ends(
        self, limiter: RateLimiter, pass_time: Callable[[float], None]
    ) -> None:
        limiter.pause("room", 0.5)
        limiter.pause("room", 0.1)
        wait = limiter.reserve("room", self.rate, 3)
        assert 0.3 < wait <= 0.5, "the longer of two pauses holds"
        pass_time(wait)
        assert limiter.reserve("room", self.rate, 3) == 0

    def test_eight_workers_get_what_one_gets(self, limiter: RateLimiter) -> None:
        with ThreadPoolExecutor(8) as pool:
            waits = list(pool.map(lambda _: limiter.reserve("room", 0.01, 5), range(40)))
        assert waits.count(0) == 5
