"""Every setting, in one place: environment variables `ANSWERLOOP_…`, then `.env`, then the defaults below."""

from __future__ import annotations

import ipaddress
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from answerloop.domain import Concern, PersonalDataType
from answerloop.endpoints import refusal
from answerloop.errors import ConfigurationError

_OWN_FIELDS = frozenset({"messages", "model", "stream", "stream_options", "max_tokens", "n", "tools"})
"""Of a request to a model: what is no setting."""


def _groups(value: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip())


def _secrets(value: str | tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    return tuple(map(SecretStr, _groups(value))) if isinstance(value, str) else tuple(value)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ANSWERLOOP_", env_file=".env", extra="forbid", frozen=True)

    # --- where things are
    home: Path = Field(Path(".answerloop"), description="Folder for all state: database, index, models, logs.")
    tenant: str = Field("default", pattern=r"^[A-Za-z0-9_.-]{1,80}$", description="Tenant of questions asked here.")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the home folder.")
    broker_url: SecretStr = Field(SecretStr(""), description="Redis or Valkey URL; empty: the embedded Valkey.")

    models_folder: Path | None = Field(None, description="Prepared models; empty: `models` in the home folder.")

    # --- web chat
    host: str = Field("127.0.0.1", description="Address the bot listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the bot listens on.")
    dev_user: str = Field("dev", description="On loopback, without another identity: the named development user.")
    identity_header: str = Field("", description="Header in which a trusted proxy names the person who asks.")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        (), description="Addresses whose identity header is believed, separated by commas."
    )
    web_token: SecretStr = Field(SecretStr(""), description="At least 16 characters: lets its holder in as `dev_user`.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        ("127.0.0.1", "localhost", "[::1]"),
        description="Host names the web chat answers to, separated by commas.",
    )
    directory_file: Path | None = Field(None, description="YAML file with people and their groups.")
    human_contact: str = Field("", description="Whom to ask when the assistant does not know, e.g. an e-mail address.")
    contacts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        (),
        description="Whom to ask instead for a kind of question, separated by commas: `self_harm=…`, `harassment=…`, "
        "`legal=…`, `medical=…`, `private=…`.",
    )
    emergency_text: str = Field(
        "In an emergency call 112 (Europe), 999 (United Kingdom) or 911 (North America).",
        description="Ends the reply to somebody in danger.",
    )
    max_question_characters: int = Field(2000, ge=10, description="Longer questions are refused.")

    public_url: str = Field("", description="Where people reach the web chat, for links to documents in other chats.")
    questions_per_person: int = Field(40, ge=1, description="Questions of one person that are taken in ten minutes.")
    feedback_per_person: int = Field(
        50, ge=1, description="Answers that one person may rate in a day; changing one's mind is always possible."
    )
    reminder_hours: float = Field(4.0, ge=0, description="After this long the asker is asked how it was; 0: never.")
    rooms_file: Path | None = Field(
        None, description="YAML file with the first settings of rooms (channels); admins change them in the chat."
    )
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_secrets)] = Field(
        (), description="Keys that encrypt stored tokens (Fernet), separated by commas; the first one writes."
    )

    # --- Slack
    slack: Literal["off", "http", "socket"] = Field(
        "off", description="How Slack reaches us: signed requests to /slack/events, or a connection that we open."
    )
    slack_bot_token: SecretStr = Field(SecretStr(""), description="Bot token of the one workspace (xoxb-…).")
    slack_app_token: SecretStr = Field(SecretStr(""), description="App-level token for `socket` (xapp-…).")
    slack_signing_secret: SecretStr = Field(SecretStr(""), description="Proves that a request comes from Slack.")
    slack_client_id: str = Field("", description="For many workspaces, which install us by OAuth.")
    slack_client_secret: SecretStr = Field(SecretStr(""), description="Belongs to the client id.")
    slack_workspaces: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        (), description="Team ids of the workspaces that may install us: their full members count as employees."
    )
    slack_api_url: str = Field("https://slack.com/api/", pattern=r"^https?://.+/$", description="Base of Slack's API.")
    slack_blocks: Literal["modern", "classic"] = Field(
        "modern", description="classic: without the newest blocks and streaming; also used where Slack refuses them."
    )
    slack_admins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        (), description="User ids that may change the settings of channels, besides the workspace's own admins."
    )
    slack_escalation: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        (), description="User ids that are tagged when somebody asks for a human, where a channel names nobody."
    )
    slack_escalation_channel: str = Field(
        "", description="Channel id where people are asked for when the question is not visible to them."
    )
    slack_messages_per_second: float = Field(
        1.0, gt=0, description="Messages that are posted in one channel at most, as Slack allows."
    )
    slack_updates_per_minute: float = Field(
        50.0, gt=0, description="Messages of one workspace that are brought up to date at most, as Slack allows."
    )

    # --- Microsoft Teams
    teams: Literal["off", "single_tenant", "multi_tenant", "managed_identity", "development"] = Field(
        "off",
        description="The type of our app registration. development: no credentials, for a simulator on loopback.",
    )
    teams_app_id: str = Field("", description="Application (client) id of the bot's registration in Entra.")
    teams_app_password: SecretStr = Field(SecretStr(""), description="Its client secret; none for a managed identity.")
    teams_tenant_id: str = Field("", description="Directory (tenant) id of the company.")
    teams_tenants: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        (), description="Tenants whose conversations are answered; empty: the company's own."
    )
    teams_service_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        ("smba.trafficmanager.net", "*.botframework.com"),
        description="Hosts that answers may be sent to, `*.` for all below, separated by commas.",
    )
    teams_openid_url: str = Field(
        "https://login.botframework.com/v1/.well-known/openidconfiguration",
        pattern=r"^https?://.+$",
        description="Where the keys are found that sign Teams' requests.",
    )
    teams_graph_url: str = Field(
        "",
        description="Base of Microsoft Graph (https://graph.microsoft.com/v1.0/), to ask it for people's groups; "
        "empty: the directory file alone.",
    )
    teams_admins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        (), description="Entra object ids of those who may change the settings of chats and channels."
    )
    teams_escalation: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        (), description="Entra object ids that are called when somebody asks for a human, where a room names nobody."
    )
    teams_escalation_channel: str = Field(
        "", description="Conversation id of the channel where people are asked for when the question was not public."
    )
    teams_messages_per_second: float = Field(
        1.5, gt=0, description="Messages and changes of messages in one conversation at most, as Teams allows."
    )

    # --- documents
    first_documents: Path | None = Field(None, description="Indexed by `answerloop up` when nothing is indexed yet.")
    sync_interval_seconds: int = Field(300, ge=5, description="How often registered sources are read again.")
    max_document_bytes: int = Field(100_000_000, description="Larger files are reported and skipped.")
    chunk_tokens: int = Field(
        256, ge=64, description="Tokens of a chunk with title and headings; at most the embedder's."
    )
    embedder: str = Field("all-MiniLM-L6-v2", description="The default, a folder, or a sentence-transformers model id.")

    reranker: str = Field(
        "", description="Cross-encoder that reads the best passages again: a folder or hub id; empty: none."
    )

    # --- answering
    generator: Literal["reader", "transformers", "extractive", "openai"] = Field(
        "reader",
        description="Who says the direct answer: the reader (a phrase of the evidence), a language model, nobody "
        "(quotes only), or a model behind an OpenAI-compatible endpoint.",
    )
    model: str = Field("SmolLM2-135M-Instruct", description="The default, a local folder, or a Hugging Face model id.")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 …")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="auto: bfloat16 where the processor has it in hardware, else float32."
    )
    threads: int = Field(0, ge=0, description="CPU threads of one model; 0: chosen by the number of cores.")
    batch_size: int = Field(8, ge=1, description="Questions that one model instance answers at once.")
    max_new_tokens: int = Field(64, ge=8, description="Longest direct answer of the model, in tokens.")
    passages: int = Field(5, ge=1, description="Passages shown as sources at most.")
    answer_threshold: float = Field(0.6, ge=0, le=1, description="Below this probability the answer is: I don't know.")
    sure_threshold: float = Field(0.85, ge=0, le=1, description="From this probability on the answer counts as sure.")
    groundedness: Literal["mixed", "nli"] = Field(
        "mixed",
        description="Who judges whether sources carry an answer: words and exact claims, or an entailment model.",
    )
    groundedness_model: str = Field("", description="For `nli`: a local folder, or a Hugging Face model id.")
    grounded_threshold: float = Field(0.6, ge=0, le=1, description="Below this probability a sentence is not shown.")
    answer_deadline_seconds: float = Field(60.0, gt=0, description="Then the answer is a quote instead of a phrase.")
    lease_seconds: float = Field(15.0, gt=0, description="A worker silent for this long has lost its question.")
    history_turns: int = Field(3, ge=0, description="Earlier turns that a follow-up question is understood with.")

    # --- a model behind an OpenAI-compatible endpoint
    openai_url: str = Field("", description="Base of the endpoint, such as `http://vllm:8000/v1`.")
    openai_api_key: SecretStr = Field(SecretStr(""), description="Its key; empty: none is needed.")
    openai_model: str = Field("", description="The name of the model there.")
    openai_window: int = Field(8192, ge=256, description="Tokens that a prompt and its answer may have there together.")
    openai_seconds: float = Field(
        20.0, gt=0, description="So long it may take for an answer; then the house answers in what time is left."
    )
    openai_price_in: float = Field(
        0.0, ge=0, description="Price of a million tokens of prompts, in `ANSWERLOOP_CURRENCY`."
    )
    openai_price_out: float = Field(0.0, ge=0, description="Price of a million tokens of answers.")
    openai_extra: dict[str, Any] = Field(
        {}, description='JSON that is added to each request, such as `{"reasoning_effort": "none"}`.'
    )
    openai_leaves_the_house: bool = Field(
        True,
        description="false only for an endpoint of your own: then nothing is masked, and every document may be sent.",
    )
    openai_adapters: Literal["off", "vllm"] = Field(
        "off", description="vllm: the live adapter speaks there, and is loaded when it is missing; never outside."
    )
    openai_adapters_folder: str = Field(
        "", description="The folder of adapters as that server sees it; empty: where it is here."
    )
    outside_groups: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        (),
        description="Groups whose questions may leave the house, separated by commas; every reader of the answer must "
        "be in one. Empty: nobody's.",
    )
    inside_generator: Literal["reader", "transformers", "extractive"] = Field(
        "reader", description="Who answers instead where the endpoint may not be asked, or fails."
    )

    # --- corrections
    four_eyes_topics: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        (),
        description="Topics whose corrections need a second person, separated by commas. The topic of a document is "
        "the first folder of its path in its source.",
    )
    curated_days: int = Field(
        180, ge=1, description="So long an approved correction is served; then it is judged anew."
    )
    curated_threshold: float = Field(
        0.8, ge=0, le=1, description="Least cosine of two questions that count as the same in other words."
    )

    # --- training
    retire_tainted: bool = Field(
        True,
        description="Take an adapter out of service at once when something that it has learned from is erased.",
    )

    # --- personal data
    masked_types: Annotated[tuple[PersonalDataType, ...], NoDecode, BeforeValidator(_groups)] = Field(
        (
            PersonalDataType.PERSON,
            PersonalDataType.EMAIL_ADDRESS,
            PersonalDataType.PHONE_NUMBER,
            PersonalDataType.CREDIT_CARD,
            PersonalDataType.IBAN_CODE,
            PersonalDataType.IDENTITY_NUMBER,
            PersonalDataType.IP_ADDRESS,
            PersonalDataType.URL,
        ),
        description="What never leaves the house. LOCATION, DATE_TIME and ORGANIZATION carry policy, so they may.",
    )
    redaction_language: str = Field("en", description="Language in which names are found: en, de, es, fr, it or nl.")
    redaction_regions: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_groups)] = Field(
        ("US", "GB", "IE", "BE", "DE", "FR", "NL"),
        description="Countries whose telephone and identity numbers are known, as two-letter codes.",
    )

    # --- training
    canary_share: float = Field(
        0.1, ge=0, le=0.5, description="Share of the conversations that hear a new adapter first; 0: all, at once."
    )
    canary_answers: int = Field(200, ge=1, description="Answers of a new adapter without harm, and it goes live.")
    canary_days: float = Field(7.0, gt=0, description="After so many days fewer answers (at least 30) are enough.")

    # --- people judge
    sample_share: float = Field(0.1, gt=0, le=1, description="Share of all answers that people look at.")
    sample_seed: str = Field("", description="Seed of the draw; empty: random, made once and kept in the database.")
    sample_canary_share: float = Field(
        0.5, gt=0, le=1, description="Share of a new adapter's answers that people look at."
    )
    sample_canary_answers: int = Field(100, ge=0, description="An adapter is new until so many answers were judged.")
    review_budget: int = Field(
        50, ge=0, description="Answers that reviewers look at in a day; what is flagged comes on top when it must."
    )
    review: Literal["label-studio", "page", "off"] = Field(
        "label-studio",
        description="Where people judge answers: in Label Studio, on the page of the review program alone, or nowhere.",
    )
    review_overlap: int = Field(1, ge=1, description="Reviewers that judge the same answer.")
    reviewers_group: str = Field("reviewers", description="The group whose members may judge.")
    label_studio_url: str = Field(
        "", description="Label Studio of your own; empty: `answerloop up` installs one and starts it."
    )
    label_studio_token: SecretStr = Field(SecretStr(""), description="Access token for your own Label Studio.")
    label_studio_port: int = Field(
        8080, ge=1, le=65535, description="Port of the one that `answerloop up` starts; another one when it is taken."
    )
    label_studio_hint_url: str = Field(
        "",
        description="Where Label Studio tells the review program of news, such as "
        "`https://review.example/webhooks/label-studio`; empty: at its port on this machine.",
    )
    retention_days: int = Field(
        365, ge=0, description="Then questions, answers and what was said of them lose their words; 0: never."
    )

    # --- learning
    nightly: bool = Field(
        True,
        description="Whether every night an adapter may be trained from what people have approved.",
    )
    night_at: time = Field(time(2), description="When nights begin, by the clock of `ANSWERLOOP_TIME_ZONE`.")
    night_hours: float = Field(
        5.0,
        gt=0,
        le=24,
        description="Hours after which training ends at its best so far, and no night begins.",
    )
    time_zone: ZoneInfo = Field(ZoneInfo("UTC"), description="Time zone of the nights, such as Europe/Berlin.")
    training_params: Path | None = Field(
        None, description="JSON file with the parameters of training that shall differ from the defaults."
    )

    # --- dashboard
    review_port: int = Field(8001, ge=1, le=65535, description="Port the dashboard listens on, at `ANSWERLOOP_HOST`.")
    operators_group: str = Field("operators", description="The group whose members see the figures of the dashboard.")
    reports_room: str = Field(
        "",
        pattern=r"^$|^slack:[A-Za-z0-9]+:[A-Za-z0-9]+$|^teams:[0-9A-Za-z-]+:[0-9A-Za-z:@._-]+$",
        description="Room in which reports and alarms are posted, `slack:T01:C02` or "
        "`teams:<tenant>:19:…@thread.tacv2` (to which the app was added); empty: the dashboard alone.",
    )
    human_minutes: float = Field(
        12.0, ge=0, description="Assumed: minutes that a colleague spends on a question that is not answered here."
    )
    human_answer_hours: float = Field(
        4.0, ge=0, description="Assumed: hours until a colleague has answered a question."
    )
    cost_per_hour: float = Field(0.25, ge=0, description="Assumed: what running everything costs in an hour.")
    currency: str = Field("EUR", max_length=8, description="In which `ANSWERLOOP_COST_PER_HOUR` is said.")

    # --- observing
    log_format: Literal["json", "text"] = Field("json", description="One JSON object a line, or text for people.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least that is logged.")

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> Settings:
        if self.sure_threshold < self.answer_threshold:
            raise ValueError("ANSWERLOOP_SURE_THRESHOLD must not be below ANSWERLOOP_ANSWER_THRESHOLD")
        return self

    @model_validator(mode="after")
    def _entailment_has_a_model(self) -> Settings:
        if self.groundedness == "nli" and not self.groundedness_model:
            raise ValueError("ANSWERLOOP_GROUNDEDNESS=nli needs ANSWERLOOP_GROUNDEDNESS_MODEL")
        return self

    @model_validator(mode="after")
    def _endpoint_may_be_asked(self) -> Settings:
        if self.generator != "openai":
            return self
        if not (self.openai_url and self.openai_model):
            raise ValueError("ANSWERLOOP_GENERATOR=openai needs ANSWERLOOP_OPENAI_URL and ANSWERLOOP_OPENAI_MODEL")
        if problem := refusal(self.openai_url, leaves=self.openai_leaves_the_house):
            raise ValueError(f"ANSWERLOOP_OPENAI_URL {problem}")
        if self.openai_adapters != "off" and self.openai_leaves_the_house:
            raise ValueError(
                "ANSWERLOOP_OPENAI_ADAPTERS needs ANSWERLOOP_OPENAI_LEAVES_THE_HOUSE=false: an adapter is made of the "
                "company's documents"
            )
        if taken := _OWN_FIELDS & self.openai_extra.keys():
            raise ValueError(f"ANSWERLOOP_OPENAI_EXTRA may not hold {', '.join(sorted(taken))}")
        return self

    @model_validator(mode="after")
    def _label_studio_lets_us_in(self) -> Settings:
        if self.label_studio_url and not self.label_studio_token.get_secret_value():
            raise ValueError("ANSWERLOOP_LABEL_STUDIO_URL needs ANSWERLOOP_LABEL_STUDIO_TOKEN")
        return self

    @model_validator(mode="after")
    def _contacts_of_known_kinds(self) -> Settings:
        try:
            _ = self.contacts_by_concern
        except ValueError:
            kinds = ", ".join(concern.value for concern in Concern)
            raise ValueError(f"ANSWERLOOP_CONTACTS must be `kind=contact, …` with these kinds: {kinds}") from None
        return self

    @property
    def contacts_by_concern(self) -> dict[Concern, str]:
        """Raises ValueError for a kind that is none, or without a contact."""
        pairs = [[part.strip() for part in entry.split("=", 1)] for entry in self.contacts]
        if any(len(pair) == 1 or not pair[1] for pair in pairs):
            raise ValueError("a contact is missing")
        return {Concern(kind): contact for kind, contact in pairs}

    @property
    def leaves_the_house(self) -> bool:
        """Whether there is a model outside that may be asked at all."""
        return self.generator == "openai" and self.openai_leaves_the_house

    @property
    def house_generator(self) -> Literal["reader", "transformers", "extractive"]:
        """Who speaks in the house, where no adapter does."""
        return self.inside_generator if self.generator == "openai" else self.generator

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.home.expanduser().resolve())

    @property
    def effective_models_folder(self) -> Path:
        return self.models_folder or self.state.models

    @property
    def effective_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.state.database}"

    @property
    def effective_broker_url(self) -> str:
        """Raises ConfigurationError when there is neither a setting nor a running embedded broker."""
        configured = self.broker_url.get_secret_value()
        if configured:
            return configured
        try:
            return self.state.broker_url.read_text().strip()
        except FileNotFoundError:
            raise ConfigurationError(
                "No broker: start one with `answerloop up`, or set ANSWERLOOP_BROKER_URL to a Redis URL."
            ) from None

    @property
    def effective_label_studio_hint_url(self) -> str:
        return self.label_studio_hint_url or f"http://127.0.0.1:{self.review_port}/webhooks/label-studio"

    @property
    def listens_on_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def require_identity(self) -> None:
        """Raises ConfigurationError when people elsewhere could reach us without saying who they are."""
        if self.identity_header and not self.trusted_proxies:
            raise ConfigurationError(
                "ANSWERLOOP_IDENTITY_HEADER is set, but ANSWERLOOP_TRUSTED_PROXIES names no proxy to believe."
            )
        if not self.listens_on_loopback and not (self.identity_header or self.web_token.get_secret_value()):
            raise ConfigurationError(
                f"ANSWERLOOP_HOST={self.host} is open to other machines: set ANSWERLOOP_IDENTITY_HEADER with "
                "ANSWERLOOP_TRUSTED_PROXIES, or ANSWERLOOP_WEB_TOKEN, or listen on 127.0.0.1."
            )

    def require_slack(self) -> None:
        """Raises ConfigurationError that names what Slack needs."""
        missing = []
        if not (self.slack_bot_token.get_secret_value() or self.slack_client_id):
            missing.append("ANSWERLOOP_SLACK_BOT_TOKEN (or ANSWERLOOP_SLACK_CLIENT_ID for many workspaces)")
        if self.slack == "http" and not self.slack_signing_secret.get_secret_value():
            missing.append("ANSWERLOOP_SLACK_SIGNING_SECRET")
        if self.slack == "socket" and not self.slack_app_token.get_secret_value():
            missing.append("ANSWERLOOP_SLACK_APP_TOKEN")
        if missing:
            raise ConfigurationError(f"ANSWERLOOP_SLACK={self.slack} needs {' and '.join(missing)}: see docs/slack.md.")

    def require_teams(self) -> None:
        """Raises ConfigurationError that names what Teams needs."""
        if self.teams == "development":
            if self.teams_app_password.get_secret_value() or not self.listens_on_loopback:
                raise ConfigurationError(
                    "ANSWERLOOP_TEAMS=development lets everybody in who reaches the port: it needs ANSWERLOOP_HOST on "
                    "loopback and takes no ANSWERLOOP_TEAMS_APP_PASSWORD."
                )
            return
        needed = {"ANSWERLOOP_TEAMS_APP_ID": self.teams_app_id, "ANSWERLOOP_TEAMS_TENANT_ID": self.teams_tenant_id}
        if self.teams != "managed_identity":
            needed["ANSWERLOOP_TEAMS_APP_PASSWORD"] = self.teams_app_password.get_secret_value()
        missing = [name for name, value in needed.items() if not value]
        if missing:
            raise ConfigurationError(f"ANSWERLOOP_TEAMS={self.teams} needs {' and '.join(missing)}: see docs/teams.md.")

    @property
    def effective_teams_tenants(self) -> frozenset[str]:
        return frozenset(self.teams_tenants or (self.teams_tenant_id,)) - {""}


class StateFolder:
    """What lies where under `ANSWERLOOP_HOME`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = root / "answerloop.db"
        self.index = root / "index"
        self.models = root / "models"
        self.adapters = root / "adapters"
        self.logs = root / "logs"
        self.training = root / "training"
        self.datasets = root / "training" / "datasets"
        self.run = root / "run"
        self.broker = root / "broker"
        self.broker_url = root / "broker" / "url"
        self.metrics = root / "run" / "metrics"
        self.session_key = root / "session.key"
        self.receipt_key = root / "receipt.key"
        self.label_studio = root / "label-studio"
        self.lock = root / "run" / "up.lock"
        self.examples = root / "run" / "examples.npz"


def load_settings(**overrides: object) -> Settings:
    """Raises ConfigurationError that names the variable and what it takes."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = (
            f"ANSWERLOOP_{'_'.join(str(part) for part in problem['loc']).upper() or 'settings'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise ConfigurationError("The settings are not usable. " + "; ".join(problems)) from None
