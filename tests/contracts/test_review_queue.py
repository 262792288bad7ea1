"""The review queue that the other tests stand on behaves as the real one does; the real one: test_label_studio.py."""

import pytest

from answerloop.testing.fake_review_queue import FakeReviewQueue
from answerloop.testing.review_suite import ReviewQueueSuite


class TestFakeReviewQueue(ReviewQueueSuite):
    @pytest.fixture
    def reviews(self) -> FakeReviewQueue:
        return FakeReviewQueue()

    @pytest.fixture
    def people(self, reviews) -> FakeReviewQueue:
        return reviews
