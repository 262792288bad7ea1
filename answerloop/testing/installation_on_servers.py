"""An installation as a company runs it: the same `answerloop up`, on a Redis and a PostgreSQL of somebody else."""

from __future__ import annotations

from pathlib import Path

from answerloop.testing.installation import RunningInstallation
from answerloop.testing.servers import PostgresServer, RedisServer


class InstallationOnServers(RunningInstallation):
    def __init__(
        self, home: Path, first_documents: Path, redis: RedisServer, postgres: PostgresServer, **settings: str
    ) -> None:
        urls = {"broker_url": redis.url, "database_url": postgres.empty_database()}
        super().__init__(home, first_documents, **urls, **settings)
        self.redis, self.postgres = redis, postgres

    def pid_of(self, name: str) -> int:
        return self.redis.pid if name == "broker" else super().pid_of(name)

    def kill_broker(self) -> None:
        """And start it again, as an operator's service manager does."""
        self.redis.crash()
        self.redis.start()

    def kill_everything(self) -> None:
        super().kill_everything()
        for server in (self.redis, self.postgres):
            server.crash()
            server.start()
