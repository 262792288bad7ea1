"""Every error this project raises on purpose, split by what the caller can do about it.

    AnswerloopError
    ├── Retryable                 try again later; the job stays queued
    │   ├── QueueUnavailable
    │   ├── DatabaseUnavailable
    │   ├── IndexUnavailable
    │   ├── GeneratorUnavailable
    │   │   └── GenerationTimedOut
    │   ├── GroundednessUnavailable
    │   ├── DirectoryUnavailable
    │   ├── ReviewQueueUnavailable
    │   │   └── ReviewQueueUncertain
    │   ├── CuratedWithdrawn
    │   └── DeliveryUnavailable
    │       └── DeliveryUncertain
    ├── DeliveryImpossible        nobody will ever see it there; keep the answer, tell the operator
    │   └── MessageDeleted
    ├── UserFault                 tell the user; the sentence is written for them
    │   ├── InvalidQuestion
    │   ├── InvalidFeedback
    │   ├── InvalidReviewer
    │   ├── TooManyQuestions
    │   ├── TooMuchFeedback
    │   ├── NotAuthenticated
    │   ├── NotAllowed
    │   └── NotFound
    ├── DocumentRejected          report the file by name and reason, go on with the next
    ├── AdapterRefused            it is not what it should be; nothing loads it, and what served before serves on
    ├── TaskRefused               the review queue will never take this task; judge the answer elsewhere
    ├── NightFailed               a step of training did not succeed: the run ends with this sentence
    ├── ConfigurationError        fix the settings or the installation; nothing starts before that
    │   ├── ModelMissing
    │   ├── PortTaken
    │   ├── AlreadyRunning
    │   ├── ArchiveRefused
    │   ├── ReviewQueueRefused
    │   └── IndexMismatch
    └── InternalError             page someone: a rule of ours was broken

Backends translate what their vendor raises into these. A user only ever sees the message of a `UserFault`, or a
general apology with a reference id.
"""


class AnswerloopError(Exception):
    """The root: catching it catches nothing that we did not raise ourselves."""


class Retryable(AnswerloopError):
    """Nothing is wrong with the request: the same call may succeed later."""


class QueueUnavailable(Retryable):
    """The broker does not take jobs right now."""


class DatabaseUnavailable(Retryable):
    """The database is locked for too long, full or out of reach."""


class IndexUnavailable(Retryable):
    """The document index cannot be read or written right now."""


class GeneratorUnavailable(Retryable):
    """The language model failed or is out of reach; the extractive generator can answer instead."""


class GenerationTimedOut(GeneratorUnavailable):
    """The deadline passed before the model had finished."""


class GroundednessUnavailable(Retryable):
    """The detector cannot judge right now; what it has not judged must not be shown."""


class DeliveryUnavailable(Retryable):
    """The chat platform did not take the message."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class DeliveryUncertain(DeliveryUnavailable):
    """The connection broke after the message was sent: it may stand there."""


class DirectoryUnavailable(Retryable):
    """Who people are cannot be told right now; nobody gets anybody's rights by guessing."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ReviewQueueUnavailable(Retryable):
    """Where people judge answers does not answer, or failed."""


class ReviewQueueUncertain(ReviewQueueUnavailable):
    """The connection broke after tasks were sent: they may stand there, or do so in a moment."""


class CuratedWithdrawn(Retryable):
    """An approved answer was withdrawn while it was being given: the question is answered anew."""


class DeliveryImpossible(AnswerloopError):
    """The room, the message or our right to write there is gone for good."""


class MessageDeleted(DeliveryImpossible):
    """Somebody has deleted the message that was to be brought up to date."""


class UserFault(AnswerloopError):
    """The person has to change something; the message tells them what."""


class InvalidQuestion(UserFault):
    """The question is empty or too long."""


class TooManyQuestions(UserFault):
    """The person asked more in a short time than one person can read."""


class InvalidFeedback(UserFault):
    """The feedback is not one of the forms we take; `about` is the part of it that is not."""

    def __init__(self, message: str, about: str = "") -> None:
        super().__init__(message)
        self.about = about


class TooMuchFeedback(UserFault):
    """The person rated more answers in a day than one person can judge."""


class InvalidReviewer(UserFault):
    """Nobody can be invited like this."""


class NotAuthenticated(UserFault):
    """We do not know who is asking."""


class NotAllowed(UserFault):
    """We know who is asking, and they may not."""


class NotFound(UserFault):
    """It does not exist, or this person may not know that it does."""


class DocumentRejected(AnswerloopError):
    """One file cannot be indexed; the message is the reason an operator reads."""


class AdapterRefused(AnswerloopError):
    """An adapter is unknown, incomplete, changed since it was taken in, or of a form that could run code."""


class TaskRefused(AnswerloopError):
    """The review queue cannot show this one as it is."""


class NightFailed(AnswerloopError):
    """A step of training or of judging a candidate failed. Nothing of it is promoted."""


class ConfigurationError(AnswerloopError):
    """The settings or the installation are wrong; the message says what to change."""


class ModelMissing(ConfigurationError):
    """A model's files are not where the settings say."""


class PortTaken(ConfigurationError):
    """Another program listens on the port we were told to use."""


class AlreadyRunning(ConfigurationError):
    """Another answerloop runs on the same state folder."""


class ArchiveRefused(ConfigurationError):
    """The archive of an installation is damaged, or does not fit where it is to go."""


class ReviewQueueRefused(ConfigurationError):
    """The review queue knows us not, or does not take our screen."""


class IndexMismatch(ConfigurationError):
    """The index was built with another embedder than the one that is configured, or in a layout of another release."""


class InternalError(AnswerloopError):
    """A rule of ours was broken: a bug."""
