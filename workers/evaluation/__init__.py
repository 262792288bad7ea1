"""Anyone's own documents and questions through the real pipeline, and what comes out of it in figures."""

from workers.evaluation.questions import TestQuestion, read_questions
from workers.evaluation.run import as_json, evaluate, measure
from workers.evaluation.summary import SEED
from workers.evaluation.throwaway import keys_of, throwaway

__all__ = ["SEED", "TestQuestion", "as_json", "evaluate", "keys_of", "measure", "read_questions", "throwaway"]
