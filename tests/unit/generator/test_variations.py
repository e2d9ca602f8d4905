"""A shared person differs in bytes and is still the same person."""

import json
import re
from itertools import islice

import pytest

from deploy.generator.chance import Chance
from deploy.generator.delivery import Kind
from deploy.generator.people import People
from deploy.generator.plan import NOW, stream
from deploy.generator.rates import Rates
from deploy.generator.run import Run
from deploy.generator.variations import as_seen_elsewhere


def test_variations_keep_what_identifies_and_change_how_it_looks() -> None:
    source = People(Run.of(5), NOW)
    people = [source.newcomer() for _ in range(300)]
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


@pytest.mark.parametrize("ratio", [0.0, 0.3])
def test_so_many_of_a_vendors_new_customers_are_known_to_another(ratio: float) -> None:
    known: set[str] = set()
    met, shared = 0, 0
    for delivery in islice(stream(42, rates=Rates(shared=ratio, malformed=0)), 6_000):
        if delivery.event_type in ("customers/create", "customer.created"):
            if delivery.kind is Kind.REDELIVERY:
                continue
            body = json.loads(delivery.body)
            person = body if delivery.source == "shopify" else body["data"]["object"]
            email = person["email"].strip().lower()
            met += 1
            shared += email in known
            known.add(email)

    assert met > 1_000
    assert shared / met == pytest.approx(ratio, abs=0.04)


def test_a_person_is_the_same_whoever_was_made_before() -> None:
    one, other = People(Run.of(3), NOW), People(Run.of(3), NOW)
    for _ in range(5):
        other.newcomer()

    assert [one.person(number) for number in (4, 0)] == [other.person(number) for number in (4, 0)]


def test_no_two_people_of_a_run_share_a_phone_number() -> None:
    people = People(Run.of(3), NOW)
    some = [people.person(number) for number in (*range(1_000), *range(78_900, 79_900))]

    assert len({person.phone for person in some}) == len(some)
    assert all(re.fullmatch(r"\+1[2-9]\d\d5550[12]\d\d", person.phone) for person in some)
