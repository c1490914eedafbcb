from __future__ import annotations

import provider


def test_every_public_name_is_found_where_it_is_said_to_be() -> None:
    for name in provider.__all__:
        assert getattr(provider, name).__name__ == name
