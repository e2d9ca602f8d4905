"""Postal addresses in real places: city, state, zip prefix and coordinates belong together."""

from __future__ import annotations

from dataclasses import dataclass

import mimesis

from deploy.generator.chance import Chance

_PLACES: tuple[tuple[str, str, str, str, float, float], ...] = (
    ("Austin", "Texas", "TX", "787", 30.267, -97.743),
    ("Boston", "Massachusetts", "MA", "021", 42.360, -71.058),
    ("Charlotte", "North Carolina", "NC", "282", 35.227, -80.843),
    ("Chicago", "Illinois", "IL", "606", 41.878, -87.630),
    ("Columbus", "Ohio", "OH", "432", 39.961, -82.999),
    ("Denver", "Colorado", "CO", "802", 39.739, -104.990),
    ("Detroit", "Michigan", "MI", "482", 42.331, -83.046),
    ("Las Vegas", "Nevada", "NV", "891", 36.170, -115.140),
    ("Memphis", "Tennessee", "TN", "381", 35.150, -90.049),
    ("Miami", "Florida", "FL", "331", 25.762, -80.192),
    ("Minneapolis", "Minnesota", "MN", "554", 44.978, -93.265),
    ("New Orleans", "Louisiana", "LA", "701", 29.951, -90.072),
    ("New York", "New York", "NY", "100", 40.713, -74.006),
    ("Philadelphia", "Pennsylvania", "PA", "191", 39.953, -75.165),
    ("Phoenix", "Arizona", "AZ", "850", 33.448, -112.074),
    ("Portland", "Oregon", "OR", "972", 45.515, -122.678),
    ("San Diego", "California", "CA", "921", 32.716, -117.161),
    ("Seattle", "Washington", "WA", "981", 47.606, -122.332),
)
_SUFFIXES = ("Street", "Avenue", "Boulevard", "Drive", "Lane", "Road", "Court")
_DIRECTIONS = ("", "", "", "North ", "South ", "East ", "West ")


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody lives, before a vendor gives it its own shape."""

    address1: str
    address2: str | None
    city: str
    province: str
    province_code: str
    zip: str
    latitude: float
    longitude: float
    country: str = "United States"
    country_code: str = "US"


def address(rng: Chance, streets: mimesis.Address) -> Address:
    """An address that could exist, within about 10 km of the city's centre.

    The places are written out here, as names of cities drawn apart from states, zip codes and
    coordinates would belong to no place at all; streets are drawn from ``streets``.
    """
    city, province, code, zip_prefix, latitude, longitude = rng.choice(_PLACES)
    direction, street = rng.choice(_DIRECTIONS), streets.street_name()
    return Address(
        address1=f"{rng.randint(1, 9999)} {direction}{street} {rng.choice(_SUFFIXES)}",
        address2=rng.maybe(0.3, f"Apartment {rng.randint(1, 60)}"),
        city=city,
        province=province,
        province_code=code,
        zip=f"{zip_prefix}{rng.randint(1, 99):02}",
        latitude=round(latitude + rng.uniform(-0.1, 0.1), 6),
        longitude=round(longitude + rng.uniform(-0.1, 0.1), 6),
    )
