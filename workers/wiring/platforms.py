"""The chat platforms, and who people are there."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from answerloop.backends.chat_web import WebChatDelivery
from answerloop.backends.directory_by_channel import ChannelDirectory
from answerloop.backends.directory_file import FileDirectory
from answerloop.chat.sources import source_url
from answerloop.ports import ChatDelivery, Directory
from answerloop.slack.rendered import Style
from workers.wiring.ground import Ground

if TYPE_CHECKING:
    from answerloop.backends.directory_teams import TeamsDirectory
    from answerloop.backends.slack_checkup import SlackCheckup
    from answerloop.backends.teams_api import TeamsApi
    from answerloop.backends.teams_checkup import TeamsCheckup
    from answerloop.backends.tokens_slack import SlackTokens


class Platforms(Ground):
    @cached_property
    def directory(self) -> Directory:
        settings = self.settings
        people = FileDirectory(settings.directory_file, settings.tenant)
        by_channel: dict[str, Directory] = {}
        if settings.slack != "off":
            from answerloop.backends.directory_slack import SlackDirectory

            by_channel["slack"] = SlackDirectory(
                self.slack_tokens, people, settings.tenant, api_url=settings.slack_api_url
            )
        if settings.teams != "off":
            by_channel["teams"] = self.teams_directory
        return ChannelDirectory(by_channel, people) if by_channel else people

    @cached_property
    def slack_tokens(self) -> SlackTokens:
        from answerloop.backends.tokens_slack import SlackTokens

        return SlackTokens.of(self.settings, self.database)

    @cached_property
    def teams_api(self) -> TeamsApi:
        from answerloop.backends.teams_api import TeamsApi
        from answerloop.backends.teams_credentials import tokens

        settings = self.settings
        settings.require_teams()  # whose employees somebody is must not be guessed for lack of a setting
        return TeamsApi(tokens(settings), settings.teams_service_hosts, development=settings.teams == "development")

    @cached_property
    def teams_directory(self) -> TeamsDirectory:
        from answerloop.backends.directory_graph import GraphPeople
        from answerloop.backends.directory_teams import TeamsDirectory, known_places
        from answerloop.backends.teams_credentials import GRAPH_SCOPE, tokens

        settings = self.settings
        people = FileDirectory(settings.directory_file, settings.tenant)
        graph = None
        if settings.teams_graph_url:
            graph = GraphPeople(tokens(settings, GRAPH_SCOPE), settings.teams_graph_url)
        return TeamsDirectory(
            self.teams_api,
            people,
            known_places(self.database),
            settings.tenant,
            graph,
            home=settings.teams_tenant_id,
        )

    @cached_property
    def channels(self) -> list[ChatDelivery]:
        settings = self.settings
        built: list[ChatDelivery] = [WebChatDelivery()]
        if settings.slack != "off":
            built.append(self._slack())
        if settings.teams != "off":
            built.append(self._teams())
        return built

    def _slack(self) -> ChatDelivery:
        settings = self.settings
        from answerloop.backends.chat_slack import SlackDelivery
        from answerloop.backends.rates_redis import RedisRateLimiter

        return SlackDelivery(
            self.slack_tokens,
            RedisRateLimiter(settings.effective_broker_url),
            api_url=settings.slack_api_url,
            style=Style(settings.slack_blocks),
            source_url=partial(source_url, settings.public_url),
            messages_per_second=settings.slack_messages_per_second,
            updates_per_minute=settings.slack_updates_per_minute,
        )

    def _teams(self) -> ChatDelivery:
        settings = self.settings
        from answerloop.backends.chat_teams import TeamsDelivery
        from answerloop.backends.rates_redis import RedisRateLimiter

        return TeamsDelivery(
            self.teams_api,
            RedisRateLimiter(settings.effective_broker_url),
            source_url=partial(source_url, settings.public_url),
            names=self.teams_directory.name_of,
            messages_per_second=settings.teams_messages_per_second,
        )

    def slack_checkup(self) -> SlackCheckup:
        from answerloop.backends.slack_checkup import SlackCheckup

        return SlackCheckup(self.settings, self.slack_tokens, self.database)

    def teams_checkup(self) -> TeamsCheckup:
        from answerloop.backends.teams_checkup import TeamsCheckup
        from answerloop.backends.teams_credentials import tokens

        return TeamsCheckup(self.settings, self.database, lambda scope: tokens(self.settings, scope))
