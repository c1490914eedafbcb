"""The pure parts of the server: bounded output and globs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provider.sandbox.sandboxd.execution import HeadAndTail
from provider.sandbox.sandboxd.listing import matches


@given(blocks=st.lists(st.binary(max_size=40)), half=st.integers(1, 30))
def test_head_and_tail_keep_both_ends_and_count_the_rest(blocks: list[bytes], half: int) -> None:
    stream = b"".join(blocks)
    output = HeadAndTail(2 * half)
    for block in blocks:
        output.add(block)
    assert output.left_out == max(0, len(stream) - 2 * half)
    if output.left_out:
        marker = b"\n[... %d bytes of output left out ...]\n" % output.left_out
        stream = stream[:half] + marker + stream[-half:]
    assert output.text() == stream.decode("utf-8", "replace").replace("\0", "\ufffd")


@given(size=st.integers(0, 400_000))
def test_head_and_tail_hold_little_more_than_their_limit(size: int) -> None:
    output = HeadAndTail(1000)
    for start in range(0, size, 10_000):
        output.add(b"x" * min(10_000, size - start))
    assert len(output.text()) <= 1000 + 60


@given(parts=st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=4))
def test_two_stars_match_any_path_and_a_path_matches_itself(parts: list[str]) -> None:
    assert matches(parts, ["**"])
    assert matches(parts, ["**", *parts])
    assert matches(parts, parts)
    assert matches(parts, ["*"] * len(parts))
    assert not matches(parts, ["*"] * (len(parts) + 1))
