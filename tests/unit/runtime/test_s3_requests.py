"""Requests to the store are signed as AWS documents it."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.runtime.s3_requests import signed

KEY = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
"""The vendor's published example keys."""
AT = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "examplebucket.s3.amazonaws.com"


def signature(method: str, path: str, query: str) -> str:
    return signed(method, HOST, (path, query), KEY, AT)["Authorization"].rpartition("=")[2]


def test_the_vendors_example_of_a_listing() -> None:
    """Of "Signature Calculations for the Authorization Header": GET Bucket (List Objects)."""
    assert (
        signature("GET", "/", "max-keys=2&prefix=J")
        == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )


def test_the_vendors_example_of_a_setting() -> None:
    """The same page, example "GET Bucket Lifecycle"."""
    assert (
        signature("GET", "/", "lifecycle=")
        == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    )


def test_without_a_key_nothing_is_signed() -> None:
    assert signed("GET", HOST, ("/", ""), ("", "", "us-east-1"), AT) == {}


def test_the_secret_is_in_no_header() -> None:
    assert KEY[1] not in str(signed("GET", HOST, ("/", ""), KEY, AT))
