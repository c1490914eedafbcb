"""Where the log that is in the table begins."""

from __future__ import annotations

from sqlalchemy import Connection

from provider.domain.log import GENESIS, ChainPoint


def chain_base(connection: Connection) -> ChainPoint:
    """Tell behind which event the log in the table goes on, with that event's hash.

    Every reader that follows the chain starts here, and in the same snapshot as its first events where others may
    prune the log meanwhile.
    """
    return GENESIS
