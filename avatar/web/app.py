"""The HTTP application. It runs no stage: it writes to the ledger and the vault, and rings."""

from __future__ import annotations

from fastapi import FastAPI

from avatar.ledger import orders
from avatar.packs.style import load_styles
from avatar.service import Service
from avatar.web import jobs, problems
from avatar.web.guard import Caller, Here
from avatar.web.schemas import Deletion, StyleCard
from avatar.wiring import styles_folder


def application(service: Service) -> FastAPI:
    """The application on this service. Its own documentation pages are off: they would load from elsewhere."""
    app = FastAPI(title="avatar", version="1", docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json")
    app.state.service = service
    problems.install(app)
    app.include_router(jobs.router)

    @app.get("/v1/styles", tags=["styles"])
    def styles(here: Here) -> list[StyleCard]:
        """The style packs."""
        return [
            StyleCard(
                name=style.name,
                title=style.title,
                summary=style.summary,
                author=style.author,
                licence=style.licence,
                version=style.version,
                face_visible=style.face_visible,
                preview=f"/v1/styles/{style.name}/preview.png" if style.preview else None,
            )
            for style in load_styles(styles_folder(here.settings)).values()
        ]

    @app.get("/v1/deletions/{deletion}", tags=["deletions"])
    def deletion(deletion: str, caller: Caller, here: Here) -> Deletion:
        """How far a deletion is; its receipt once it is done."""
        return jobs.told(orders.deletion(here.engine, caller, deletion))

    @app.get("/healthz", include_in_schema=False)
    def alive() -> dict[str, str]:
        return {"status": "alive"}

    return app
