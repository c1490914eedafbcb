"""Every page there is, by name, for tests that go everywhere."""

from __future__ import annotations

from collections.abc import Mapping

EMPTY_PLACES: Mapping[str, str] = {
    "now": "/",
    "sandboxes": "/sandboxes",
    "past-asked": "/past",
    "timeline": "/timeline",
    "events": "/events",
    "evictions": "/evictions",
    "restarts": "/restarts",
    "workers": "/workers",
    "workers-ended": "/workers?show=ended",
    "sweeps": "/sweeps",
    "audit": "/audit",
    "system": "/system",
}


def full_places(sandbox_id: str) -> Mapping[str, str]:
    """List every page of a ledger with a history; the sandbox has died once at least."""
    return {
        **EMPTY_PLACES,
        "sandbox": f"/sandboxes/{sandbox_id}",
        "sandbox-as-of": f"/sandboxes/{sandbox_id}?at=0s",
        "sandboxes-found": "/sandboxes?q=status:warm,active+user:alice&sort=-updated_at",
        "sandboxes-none": "/sandboxes?q=user:nobody",
        "past": "/past?at=0s",
        "timeline-image": "/timeline?by=image&since=24h",
        "events-of-type": "/events?type=SandboxDied&limit=200",
        "events-paused": "/events?until=0s",
        "evictions-unexpected": "/evictions?q=expected:no+since:1h",
    }
