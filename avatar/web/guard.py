"""Who calls. A key is looked up on every call, so that a revoked one is refused at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from avatar.errors import Forbidden, Unauthorised
from avatar.ledger.clients import Client, Scope, whose
from avatar.service import Service

bearer = HTTPBearer(auto_error=False, description="the key that the operator gave you")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def of(request: Request) -> Service:
    """The service that the application was made for."""
    service: Service = request.app.state.service
    return service


Here = Annotated[Service, Depends(of)]


def client(service: Here, given: Given) -> Client:
    """The caller; Unauthorised without a valid key."""
    found = whose(service.engine, given.credentials) if given else None
    if found is None:
        raise Unauthorised("This key is not known, or it was revoked.")
    return found


def admin(found: Annotated[Client, Depends(client)]) -> Client:
    """A caller with an admin's key."""
    if found.scope is not Scope.ADMIN:
        raise Forbidden("This key does not open the operator's calls.")
    return found


Caller = Annotated[Client, Depends(client)]
Admin = Annotated[Client, Depends(admin)]
