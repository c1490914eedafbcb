"""Who may do what, and what no page may be made to do."""
