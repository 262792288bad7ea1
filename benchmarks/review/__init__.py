"""How fast, and how safely, do answers go to reviewers and judgements come back?"""
