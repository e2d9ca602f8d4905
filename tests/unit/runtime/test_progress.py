"""Which offsets the group is given."""

from shared.runtime.progress import Progress

REQUESTS = ("lakehouse.build-requests", 0)


def test_what_was_read_is_dealt_with() -> None:
    progress = Progress()
    for offset in (3, 4, 5):
        progress.read(REQUESTS, offset)
    assert progress.offsets() == {REQUESTS: 6}


def test_a_refresh_counts_as_unread_until_its_build_has_ended() -> None:
    progress = Progress()
    progress.read(REQUESTS, 3)
    progress.read(REQUESTS, 4, hold=True)
    progress.read(REQUESTS, 5)
    assert progress.offsets() == {REQUESTS: 4}
    progress.done(REQUESTS, 4)
    assert progress.offsets() == {REQUESTS: 6}


def test_what_is_stored_is_not_stored_again() -> None:
    progress = Progress()
    progress.read(REQUESTS, 3)
    progress.stored(progress.offsets())
    assert progress.offsets() == {}
    progress.read(REQUESTS, 4)
    assert progress.offsets() == {REQUESTS: 5}


def test_nothing_is_stored_for_partitions_that_are_gone() -> None:
    progress = Progress()
    progress.read(REQUESTS, 3, hold=True)
    progress.forget()
    assert progress.offsets() == {}
