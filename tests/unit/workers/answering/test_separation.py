import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from answerloop.domain import Hit
from answerloop.testing.port_suites import a_chunk, unit
from workers.answering.separation import separate


def hit(document: str, trusted: bool = True, restricted: bool = False) -> Hit:
    return Hit(a_chunk(document, "Some words.", unit(1)), 1.0, 0.5, trusted, restricted)


def names(pairs: list[tuple[Hit, float]]) -> list[str]:
    return [each.chunk.document_id for each, _ in pairs]


def rank(*hits: Hit) -> list[tuple[Hit, float]]:
    return [(each, 1.0 / number) for number, each in enumerate(hits, start=1)]


def test_the_better_side_stays_whole_and_what_is_neither_stays_with_it():
    ranked = rank(hit("mail", trusted=False), hit("bands", restricted=True), hit("leave"), hit("web", trusted=False))
    kept, left_out = separate(ranked)
    assert names(kept) == ["mail", "leave", "web"]
    assert names(left_out) == ["bands"]
    assert names(separate(ranked[1:])[0]) == ["bands", "leave"]


def test_a_restricted_document_from_outside_stands_alone_among_them():
    ranked = rank(
        hit("inbox", trusted=False, restricted=True), hit("mail", trusted=False), hit("bands", restricted=True)
    )
    assert names(separate([*ranked, *ranked[:1]])[0]) == ["inbox", "inbox"]


@given(st.lists(st.builds(hit, st.sampled_from("abcdef"), st.booleans(), st.booleans())))
def test_no_two_that_are_kept_clash_and_each_left_out_clashes_with_a_kept_one(hits):
    one_standing = {each.chunk.document_id: each for each in hits}
    ranked = rank(*(dataclasses.replace(one_standing[each.chunk.document_id]) for each in hits))
    kept, left_out = separate(ranked)
    assert sorted([*kept, *left_out], key=lambda pair: -pair[1]) == ranked
    assert kept[:1] == ranked[:1]

    def clash(one: Hit, other: Hit) -> bool:
        same = one.chunk.document_id == other.chunk.document_id
        return not same and any(not a.trusted and b.restricted for a, b in ((one, other), (other, one)))

    assert not any(clash(one, other) for one, _ in kept for other, _ in kept)
    assert all(any(clash(one, other) for other, _ in kept) for one, _ in left_out)
