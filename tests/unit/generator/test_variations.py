"""A shared person differs in bytes and is still the same person."""

import json

from deploy.generator.chance import Chance
from deploy.generator.people import People
from deploy.generator.plan import NOW, plan
from deploy.generator.variations import as_seen_elsewhere


def test_variations_keep_what_identifies_and_change_how_it_looks() -> None:
    people = People(5, NOW, shared=300).shared
    rng = Chance(5, "variations")
    seen = [as_seen_elsewhere(rng, person) for person in people]

    for person, other in zip(people, seen, strict=True):
        assert other.email.strip().lower() == person.email
        digits = "".join(letter for letter in other.phone if letter.isdigit())
        assert digits[-10:] == person.phone[-10:]
        assert sorted(other.last_name.strip().lower()) == sorted(person.last_name.lower())
    changes = list(zip(people, seen, strict=True))
    assert any(other.email != person.email for person, other in changes)
    assert any(other.phone != person.phone for person, other in changes)
    assert any(other.first_name.strip().lower() != p.first_name.lower() for p, other in changes)
    assert any(other.last_name.strip().lower() != p.last_name.lower() for p, other in changes)
    assert any(other.address.address1 != person.address.address1 for person, other in changes)


def test_both_vendors_know_some_of_the_same_people() -> None:
    emails: dict[str, set[str]] = {"shopify": set(), "stripe": set()}
    for delivery in plan(42):
        if delivery.event_type in ("customers/create", "customer.created") and delivery.accepted:
            body = json.loads(delivery.body)
            person = body if delivery.source == "shopify" else body["data"]["object"]
            emails[delivery.source].add(person["email"].strip().lower())

    shared = emails["shopify"] & emails["stripe"]
    assert 5 <= len(shared) < len(emails["stripe"]) / 2
