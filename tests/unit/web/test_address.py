"""The address of a page holds its state."""

from __future__ import annotations

from web.presentation.address import Address

HERE = Address.of("/events", [("type", "SandboxDied"), ("since", "1h"), ("after", "")])


def test_empty_arguments_are_left_out() -> None:
    assert str(HERE) == "/events?type=SandboxDied&since=1h"
    assert str(Address.of("/events")) == "/events"


def test_an_argument_changes_in_its_place() -> None:
    assert str(HERE.put(type="SandboxReady", limit=50)) == "/events?type=SandboxReady&since=1h&limit=50"


def test_an_argument_is_taken_out() -> None:
    assert str(HERE.put(type=None)) == str(HERE.drop("type")) == "/events?since=1h"


def test_the_state_goes_to_another_page() -> None:
    assert str(HERE.at("/evictions")) == "/evictions?type=SandboxDied&since=1h"


def test_hostile_values_stay_values() -> None:
    text = str(Address.of("/sandboxes", {"q": 'user:"><script>&x=1#'}))
    assert text == "/sandboxes?q=user:%22%3E%3Cscript%3E%26x%3D1%23"


def test_values_are_read() -> None:
    assert HERE.get("since") == "1h"
    assert HERE.get("after", "none") == "none"
