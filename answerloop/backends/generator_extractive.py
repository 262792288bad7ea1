"""The generator without a model: it says the best sentence that was found, word for word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from answerloop.domain import BASE_ADAPTER, Message, Usage
from answerloop.errors import GeneratorUnavailable
from answerloop.ports import Completion, GenerationRequest


class ExtractiveGenerator:
    """A `Generator` whose tokens are words. It keeps to no length: half a quote would be worse than a long one."""

    name = "extractive"
    window = 1_000_000

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content.split()) for message in messages)

    def generate(self, request: GenerationRequest) -> Completion:
        completion = Completion(())
        completion.pieces = self._pieces(request, completion)
        return completion

    def _pieces(self, request: GenerationRequest, completion: Completion) -> Iterator[str]:
        if not request.evidence:
            raise GeneratorUnavailable("There is no sentence to quote.")
        quote = request.evidence[0].text
        yield quote
        completion.usage = Usage(BASE_ADAPTER, self.count_tokens(request.messages), len(quote.split()))
