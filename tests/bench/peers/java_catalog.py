"""The catalog and its store, under the names of Iceberg's Java library."""

from __future__ import annotations

from shared.runtime.settings import Settings


def java_catalog(settings: Settings) -> dict[str, str]:
    """Properties of a REST catalog (Iceberg documentation, "Catalog properties"), with secrets."""
    assert settings.catalog_credential is not None
    assert settings.s3_secret_key is not None
    return {
        "uri": settings.catalog_uri,
        "warehouse": settings.catalog_warehouse,
        "credential": settings.catalog_credential.get_secret_value(),
        "scope": "catalog",
        "oauth2-server-uri": f"{settings.catalog_uri}/v1/oauth/tokens",
        "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "s3.endpoint": settings.s3_endpoint or "",
        "s3.access-key-id": settings.s3_access_key or "",
        "s3.secret-access-key": settings.s3_secret_key.get_secret_value(),
        "s3.path-style-access": "true",
        "client.region": settings.s3_region,
    }
