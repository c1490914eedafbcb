"""The audit views in SQL: one module per subject, one function per view, the same text for both databases.

Where SQLite and PostgreSQL differ, the text asks a `Dialect` for the words. A view belongs to the schema: what a
migration has once made stays as it is here, and a later shape of a view is a new function beside the old one, with a
migration that replaces the view. `views.CURRENT` lists what the newest schema has.
"""
