"""What reviewers and operators see. Empty until the review loop is built."""
