import pytest

from benchmarks.intake.load import Sent
from benchmarks.throughput import BARS, Delivered, Look, WebAsking, _figures, slope


def test_a_queue_whose_oldest_question_ages_grows():
    assert slope([(0.0, 1.0), (30.0, 1.5), (60.0, 2.0)]) * 60 == pytest.approx(1.0)
    assert slope([(0.0, 0.2), (30.0, 0.1), (60.0, 0.2)]) == pytest.approx(0.0)


def test_every_question_has_its_own_asker_and_key():
    asking = WebAsking(("How?", "Why?"))
    bodies = [asking.deliveries(number)[0].body for number in range(3)]
    assert [asking.headers(body, 0)["x-user"] for body in bodies] == ["asker-000000", "asker-000001", "asker-000002"]
    assert b"Why?" in bodies[1]


def test_what_was_not_delivered_is_lost_and_the_rate_is_that_of_the_deliveries():
    rows = [Delivered(number / 10, number / 10 + 0.2, number / 10 + 0.3) for number in range(100)]
    figures = _figures([Sent(ms=5.0)], [Look(1.0, 3, 0.3), Look(9.0, 3, 0.3)], rows, 101)
    assert figures["lost"] == 1
    assert figures["answered_per_s"] == pytest.approx(10)
    assert figures["delivery_p50_s"] == pytest.approx(0.3)
    assert BARS.keys() <= figures.keys()
