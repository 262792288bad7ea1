"""Who may see what here: the groups of the directory decide, and in doubt nobody may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from answerloop.domain import Audience, Person
from answerloop.errors import NotAllowed
from answerloop.ports import Directory
from answerloop.settings import Settings
from answerloop.web.identity import Asker, Identity


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who may be here: `judges` answers, or `operates` (sees the figures, sets the objective)."""

    person: Person
    audience: Audience
    judges: bool
    operates: bool
    session: bool
    development: bool


class Access:
    """On this machine, without any sign-in, the development user may do everything but read what is not theirs."""

    def __init__(self, identity: Identity, directory: Directory, settings: Settings) -> None:
        self._identity = identity
        self._directory = directory
        self._settings = settings

    def viewer(self, request: Request) -> Viewer:
        """Raises NotAuthenticated, NotAllowed."""
        asker: Asker = self._identity.asker(request)
        person = self._directory.person(asker.id)
        groups = person.groups if person.tenant == self._settings.tenant else frozenset[str]()
        judges = asker.development or self._settings.reviewers_group in groups
        operates = asker.development or self._settings.operators_group in groups
        if not (judges or operates):
            raise NotAllowed(
                f"This page is for the groups “{self._settings.operators_group}” and "
                f"“{self._settings.reviewers_group}” of the directory, and {person.name} is in neither."
            )
        audience = Audience.of(self._settings.tenant, [person])
        return Viewer(person, audience, judges, operates, asker.session, asker.development)


def _viewer(request: Request) -> Viewer:
    access: Access = request.app.state.access
    return access.viewer(request)


def _reviewer(request: Request) -> Viewer:
    viewer = _viewer(request)
    if not viewer.judges:
        raise NotAllowed("Only reviewers judge answers and corrections.")
    return viewer


def _operator(request: Request) -> Viewer:
    viewer = _viewer(request)
    if not viewer.operates:
        raise NotAllowed("Only operators see the figures.")
    return viewer


AnyViewer = Annotated[Viewer, Depends(_viewer)]
Reviewer = Annotated[Viewer, Depends(_reviewer)]
Operator = Annotated[Viewer, Depends(_operator)]
