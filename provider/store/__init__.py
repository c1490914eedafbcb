"""The ledger in SQL: every statement of this project is under this package (and in `migrations/`)."""
