"""How much the spool takes, and each source of it."""

import pytest

from services.ingest.spool.quota import Full, Quota


def test_a_source_takes_its_share_and_others_still_have_room() -> None:
    quota = Quota(100, 0.5)
    quota.reserve("shopify", 50)
    with pytest.raises(Full, match="50 bytes of shopify, its share") as full:
        quota.reserve("shopify", 1)
    assert not full.value.is_whole
    quota.reserve("stripe", 50)
    with pytest.raises(Full, match="100 bytes, its limit") as full:
        quota.reserve("hubspot", 1)
    assert full.value.is_whole
    assert (quota.used("shopify"), quota.used("hubspot"), quota.total) == (50, 0, 100)


def test_what_is_freed_can_be_taken_again() -> None:
    quota = Quota(100, 1.0)
    quota.reserve("shopify", 100)
    quota.add("shopify", -60)
    quota.reserve("shopify", 60)
    assert quota.total == 100
