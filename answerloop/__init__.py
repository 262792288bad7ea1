"""answerloop: the library that the bot, the workers and the review program stand on."""

__version__ = "0.1.0"
