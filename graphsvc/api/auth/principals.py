"""Authentication: from an `Authorization` header to a principal, for requests and WebSockets."""

from graphsvc.api.auth.keys import KeyRing, Principal, Role
from graphsvc.api.auth.oidc import Issuer
from graphsvc.errors import AccessDenied, Forbidden


async def find_principal(
    authorization: str, keys: KeyRing, issuer: Issuer | None, least: Role = Role.VIEWER
) -> Principal:
    """Return the principal of an `Authorization` header (`Bearer …`: an API key, or a person's token).

    It is cheap enough to repeat while a connection lasts. The answer changes when a key is revoked or a token
    expires.

    Args:
        authorization: value of the header.
        keys: verifies API keys.
        issuer: verifies tokens of persons; None: there is no identity provider.
        least: the role that is needed. What does not say that scorers may ask is not for them.

    Raises:
        AccessDenied: it is missing or not valid. The client does not learn which.
        Forbidden: the person has no role here, or a lower one.
        ProviderAway: no token can be checked now.
    """
    scheme, _, presented = authorization.partition(" ")
    principal = (
        await _verify_presented(presented.strip(), keys, issuer) if scheme.lower() == "bearer" else None
    )
    if principal is None:
        raise AccessDenied(
            "This needs a valid API key, or a valid token of a person.",
            "Create a key with `graphsvc keys create --role viewer`, send it as `Authorization: Bearer KEY`.",
        )
    if not principal.role.includes(least):
        raise Forbidden(
            f"This needs the role {least.value}; yours is {principal.role.value}.",
            "A scorer's key scores sign-ups at /v1/score, a reporter's reports at /v1/outcomes. For anything else ask "
            "an admin for another key.",
        )
    return principal


async def _verify_presented(presented: str, keys: KeyRing, issuer: Issuer | None) -> Principal | None:
    if issuer is not None and presented.count(".") == 2:  # a key has one dot
        return await issuer.find_principal(presented)
    return keys.verify_key(presented)
