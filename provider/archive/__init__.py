"""The log outside the database: seals, archives, bundles, import, and incidents to look into."""
