import numpy as np

from benchmarks import made_up_chunks as made_up


def test_a_document_is_the_same_whenever_it_is_made() -> None:
    one, other = made_up.document_chunks(7), made_up.document_chunks(7)
    assert [chunk.text for chunk in one] == [chunk.text for chunk in other]
    assert np.array_equal(one[3].vector, other[3].vector)


def test_vectors_are_units_and_nearer_to_their_document_than_to_others() -> None:
    own, other = made_up.vectors_of(150), made_up.vectors_of(151)
    assert np.linalg.norm(own, axis=1).round(4).tolist() == [1.0] * made_up.PER_DOCUMENT
    assert float(own[0] @ own[1]) > 0.65 > float(own[0] @ other[0])


def test_a_question_is_about_a_chunk_by_words_and_by_meaning() -> None:
    [question] = made_up.questions(documents=3, number=1)
    chunks = [chunk for document in range(3) for chunk in made_up.document_chunks(document)]
    best = max(chunks, key=lambda chunk: float(chunk.vector @ question.vector))
    written = set(best.text.lower().replace(".", "").split())
    assert sum(word in written for word in question.text.split()) >= 3


def test_about_a_fifth_may_be_read() -> None:
    sets = [made_up.reader_set_of(document) for document in range(20_000)]
    assert 0.15 < np.isin(sets, list(made_up.READABLE)).mean() < 0.23
    assert sets.count(made_up.ONE_DOCUMENT) == 1
