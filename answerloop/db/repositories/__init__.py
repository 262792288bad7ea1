"""Everything that is asked of the tables, by subject. Each function takes the session of the caller's transaction."""
