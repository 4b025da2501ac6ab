"""Who calls. A key is looked up on every call, so that a revoked one is refused at once.

What only reads memory is `async`, so that it runs where it stands; the others go to a thread, which costs more than
they do.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from avatar.errors import Forbidden, Unauthorised
from avatar.ledger.clients import Client, Scope, whose
from avatar.ledger.figures import Forecast
from avatar.service import Service

bearer = HTTPBearer(auto_error=False, description="the key that the operator gave you")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


async def of(request: Request) -> Service:
    """The service that the application was made for."""
    service: Service = request.app.state.service
    return service


Here = Annotated[Service, Depends(of)]


def client(request: Request, service: Here, given: Given) -> Client:
    """The caller; Unauthorised without a valid key."""
    found = known(service, f"{given.scheme} {given.credentials}" if given else None)
    request.state.client = found.id  # for the log line of this call
    return found


def known(service: Service, header: str | None) -> Client:
    """Whose Authorization header this is; Unauthorised without a valid key."""
    scheme, _, key = (header or "").partition(" ")
    found = whose(service.engine, key.strip()) if scheme.lower() == "bearer" and key else None
    if found is None:
        raise Unauthorised("This key is not known, or it was revoked.")
    return found


def operator(found: Client) -> Client:
    """This caller, if the key is an admin's; Forbidden else."""
    if found.scope is not Scope.ADMIN:
        raise Forbidden("This key does not open the operator's calls.")
    return found


async def admin(found: Annotated[Client, Depends(client)]) -> Client:
    """A caller with an admin's key."""
    return operator(found)


async def forecast(request: Request) -> Forecast:
    """What past jobs say about the next."""
    found: Forecast = request.app.state.forecast
    return found


Future = Annotated[Forecast, Depends(forecast)]
Caller = Annotated[Client, Depends(client)]
Admin = Annotated[Client, Depends(admin)]
