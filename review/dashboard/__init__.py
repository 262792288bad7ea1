"""The dashboard: figures for operators, the judging page and second clicks for reviewers."""
