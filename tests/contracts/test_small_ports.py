"""The ports whose backends need no server: directory, chat, and generators and embedders without weights."""

import os
from pathlib import Path

import pytest

from answerloop.backends.chat_web import WebChatDelivery
from answerloop.backends.directory_file import FileDirectory
from answerloop.backends.generator_extractive import ExtractiveGenerator
from answerloop.backends.groundedness_mixed import MixedGroundednessDetector
from answerloop.backends.groundedness_nli import NliGroundednessDetector
from answerloop.errors import ConfigurationError, DirectoryUnavailable
from answerloop.testing.chat_suites import ChatDeliverySuite, SearchableChatSuite
from answerloop.testing.fake_chat import FakeChat
from answerloop.testing.fakes import FakeDirectory, FakeEmbedder, FakeRedactor, FakeReranker
from answerloop.testing.port_suites import (
    DirectorySuite,
    EmbedderSuite,
    GeneratorSuite,
    GroundednessDetectorSuite,
    RedactorSuite,
    RerankerSuite,
    RoomDirectorySuite,
)
from tests.unit.answerloop.backends.tiny_models import tiny_classifier, tiny_tokenizer

ENTRA = "8f2d3c1e-0000-4000-8000-00000000000a"
PEOPLE = """
people:
  known: {name: Known Person, groups: [hr]}
  guest: {name: A Guest, guest: true, groups: [hr]}
"""


class TestFileDirectory(DirectorySuite):
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "access.yaml"
        path.write_text(PEOPLE)
        return path

    @pytest.fixture
    def directory(self, path: Path) -> FileDirectory:
        return FileDirectory(path, "default")

    def test_a_change_holds_for_the_next_question(self, directory, path):
        path.write_text("people: {known: {groups: [finance]}}")
        assert directory.person("known").groups == {"everyone", "public", "finance"}

    @pytest.mark.parametrize("broken", ["people: [", "[]", "people: {known: {groups: hr}}", "people: {known: 7}"])
    def test_a_file_that_breaks_leaves_nobody_any_groups(self, directory, path, broken):
        path.write_text(broken)
        assert directory.person("known").groups == frozenset()
        path.write_text(PEOPLE)
        os.utime(path, (1, 1))
        assert "hr" in directory.person("known").groups

    def test_a_file_that_is_broken_from_the_start_is_a_clear_error(self, tmp_path):
        (tmp_path / "bad.yaml").write_text("people: {known: {groups: hr}}")
        with pytest.raises(ConfigurationError, match=r"known: expected `groups: \[name"):
            FileDirectory(tmp_path / "bad.yaml", "default")

    @pytest.mark.parametrize("email", ["known", "[a@b.c]", "guest@example.com"])
    def test_an_address_that_is_none_or_not_theirs_alone_is_a_clear_error(self, tmp_path, email):
        guest = "guest: {guest: true, email: Guest@Example.com}"
        (tmp_path / "bad.yaml").write_text(f"people: {{{guest}, known: {{email: {email}}}}}")
        with pytest.raises(ConfigurationError, match=r"known: expected an `email` that nobody else has"):
            FileDirectory(tmp_path / "bad.yaml", "default")

    @pytest.mark.parametrize("entra", ["dana", "dana@example.com", "7", "[x]", f"{ENTRA.upper()}"])
    def test_an_object_id_that_is_none_or_not_theirs_alone_is_a_clear_error(self, tmp_path, entra):
        (tmp_path / "bad.yaml").write_text(f"people: {{guest: {{entra: {ENTRA}}}, known: {{entra: {entra}}}}}")
        with pytest.raises(ConfigurationError, match=r"known: expected an `entra` object id that nobody else has"):
            FileDirectory(tmp_path / "bad.yaml", "default")

    @pytest.mark.parametrize(
        ("listed", "says"),
        [
            ("[hr]", r"entra_groups: expected `object id: \[name"),
            ("{hr-team: [hr]}", "entra_groups: hr-team: expected an object id"),
            ("{7: [hr]}", "entra_groups: 7: expected an object id"),
            (f"{{{ENTRA}: [hr], {ENTRA.upper()}: [finance]}}", "that nobody else has"),
            (f"{{{ENTRA}: hr}}", r"expected `groups: \[name"),
        ],
    )
    def test_groups_of_entra_that_are_none_or_there_twice_are_a_clear_error(self, tmp_path, listed, says):
        (tmp_path / "bad.yaml").write_text(f"people: {{}}\nentra_groups: {listed}")
        with pytest.raises(ConfigurationError, match=says):
            FileDirectory(tmp_path / "bad.yaml", "default")

    def test_people_and_groups_of_entra_are_known_by_their_object_ids(self, directory, path):
        guest = f"{ENTRA[:-1]}2"
        people = f"{{known: {{groups: [hr], entra: {ENTRA}}}, guest: {{guest: true, entra: {guest}}}}}"
        path.write_text(f"people: {people}\nentra_groups: {{{ENTRA}: [finance]}}")
        assert directory.groups_by_entra(ENTRA.upper()) == {"everyone", "public", "hr"}
        assert directory.groups_by_entra(guest) == {"public"}
        assert directory.groups_by_entra("nobody") == frozenset()
        assert directory.groups_of_entra_group(ENTRA.upper()) == {"finance"}
        assert directory.groups_of_entra_group(guest) == frozenset()

    def test_a_file_that_breaks_makes_no_employee_of_a_guest_of_entra(self, directory, path):
        path.write_text("people: [")
        for ask in (directory.groups_by_entra, directory.groups_of_entra_group):
            with pytest.raises(DirectoryUnavailable):
                ask(ENTRA)

    def test_without_a_file_everybody_is_an_employee(self):
        assert FileDirectory(None, "default").person("anyone").groups == {"everyone", "public"}


class TestFakeDirectory(RoomDirectorySuite):
    @pytest.fixture
    def directory(self) -> FakeDirectory:
        people = {"known": frozenset({"everyone", "public", "hr"}), "guest": frozenset({"public"})}
        return FakeDirectory(people, rooms={"room": ["known", "guest"], "team": ["known"]})


class TestWebChat(ChatDeliverySuite):
    @pytest.fixture
    def chat(self) -> WebChatDelivery:
        return WebChatDelivery()

    @pytest.fixture
    def address(self) -> dict[str, object]:
        return {}


class TestFakeChat(SearchableChatSuite):
    @pytest.fixture
    def chat(self) -> FakeChat:
        return FakeChat()

    @pytest.fixture
    def platform(self, chat: FakeChat) -> FakeChat:
        return chat

    @pytest.fixture
    def address(self) -> dict[str, object]:
        return {}


class TestExtractiveGenerator(GeneratorSuite):
    @pytest.fixture
    def generator(self) -> ExtractiveGenerator:
        return ExtractiveGenerator()


class TestFakeEmbedder(EmbedderSuite):
    @pytest.fixture
    def embedder(self) -> FakeEmbedder:
        return FakeEmbedder()


class TestMixedGroundednessDetector(GroundednessDetectorSuite):
    @pytest.fixture
    def detector(self) -> MixedGroundednessDetector:
        return MixedGroundednessDetector()


class TestNliGroundednessDetector(GroundednessDetectorSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def detector(cls) -> NliGroundednessDetector:
        return NliGroundednessDetector(tiny_classifier(), tiny_tokenizer(pad_token="<eos>", model_max_length=512))


class TestFakeRedactor(RedactorSuite):
    @pytest.fixture
    def redactor(self) -> FakeRedactor:
        return FakeRedactor("Anna Lindqvist", "John Carter")


class TestFakeReranker(RerankerSuite):
    @pytest.fixture
    def reranker(self) -> FakeReranker:
        return FakeReranker("Leave")
