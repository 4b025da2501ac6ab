"""The HTTP application. It runs no stage: it writes to the ledger and the vault, and rings."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import FileResponse

from avatar.errors import NotFound
from avatar.ledger import orders
from avatar.ledger.figures import Forecast
from avatar.packs.style import load_styles
from avatar.service import Service
from avatar.watch.tally import Tally
from avatar.web import (
    admin,
    events,
    files,
    health,
    jobs,
    operator,
    papers,
    photos,
    problems,
    replacing,
    told,
    visitors,
    watch,
    webhooks,
)
from avatar.web.guard import Caller, Here
from avatar.web.problems import RESPONSES
from avatar.web.schemas import Deletion, StyleCard
from avatar.wiring import styles_folder


def application(service: Service) -> FastAPI:
    """The application on this service. Its own documentation pages are off: they would load from elsewhere."""
    app = FastAPI(title="avatar", version="1", docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json")
    app.state.service = service
    problems.install(app)
    app.state.forecast = Forecast(service.engine)
    app.state.tally = Tally(service.engine)
    watch.install(app)
    for part in (jobs, photos, files, replacing, events, webhooks, papers, admin, operator, watch, health):
        app.include_router(part.router)
    visitors.install(app, service)

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

    @app.get("/v1/deletions/{deletion}", tags=["deletions"], responses=RESPONSES)
    def deletion(deletion: str, caller: Caller, here: Here) -> Deletion:
        """How far a deletion is; its receipt once it is done."""
        return told.deletion(here, orders.deletion(here.engine, caller, deletion))

    @app.get("/v1/styles/{name}/preview.png", tags=["styles"], response_class=FileResponse, responses=RESPONSES)
    def preview(name: str, here: Here) -> FileResponse:
        """A drawn person in this style."""
        style = load_styles(styles_folder(here.settings)).get(name)
        if style is None or style.preview is None:
            raise NotFound("There is no such preview.")
        return FileResponse(style.preview, headers={"Cache-Control": "public, max-age=86400"})

    return app
