"""A client of the service, for back ends in Python and for our own tests: pip install 'avatar[client]'

    with Avatar("https://avatars.example", key) as avatar:
        job = avatar.order(["photo", "oil"], count=12, consent="These are photos of me, and I am an adult.")
        for path in selfies:
            print(path.name, avatar.add_photo(job, path.read_bytes(), wait=5).sentence)
        avatar.start(job)
        for state in avatar.watch(job):
            print(state.stage, state.seconds_left)
        avatar.download(job, Path("pack.zip"))
        print(avatar.erase(job).receipt)

Covers: calls that are lost on the way are sent again and do once what they do (Idempotency-Key); a service that is full
or away is waited for, as long as it says; a watcher that is cut off goes on.
Does not cover: webhooks (avatar.webhooks.sign verifies them).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx2
from pydantic import BaseModel, TypeAdapter

from avatar.job import ClassWord, Ending
from avatar.ledger.replaced import Reason
from avatar.web.schemas import Deletion, JobPage, JobState, Link, Photo, Preview, Replaced, StyleCard, Watched

Answer = TypeVar("Answer", bound=BaseModel)
TRIES = 6  # of one call; with the waits below, about half a minute
WAIT, LONGEST = 0.5, 30.0  # seconds before the second try, and the most before any
PATIENCE = httpx2.Timeout(30.0, connect=5.0)
AWAY = {429, 502, 503, 504}
ENDED = frozenset(Ending)


class Failed(Exception):
    """What the service said: `code` is stable, `sentence` and `remedy` are for people."""

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(told.get("code", "unknown"))
        self.sentence = str(told.get("detail", ""))
        self.remedy = str(told.get("remedy") or "")
        self.retryable = bool(told.get("retryable", status >= 500))
        super().__init__(f"{status} {self.code}: {self.sentence}")


class Avatar:
    """Calls of one key, or of one link. `http` may be given to bring proxies or certificates of one's own."""

    def __init__(self, url: str, key: str, http: httpx2.Client | None = None) -> None:
        self._http = http or httpx2.Client(base_url=url, timeout=PATIENCE)
        self._key = {"Authorization": f"Bearer {key}"}

    def __repr__(self) -> str:
        return f"Avatar({self._http.base_url})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def styles(self) -> list[StyleCard]:
        """The style packs."""
        return TypeAdapter(list[StyleCard]).validate_json(self._call("GET", "/v1/styles").content)

    def order(
        self, styles: Sequence[str], count: int, consent: str, class_word: str = ClassWord.PERSON, **more: Any
    ) -> str:
        """A new job without photos; its id. By calling, you say that the person is an adult and that it is their own
        face, or they were asked; `consent` are the words that they were shown. `more`: base, seed, test."""
        attested = {"adult": True, "own_face": True, "text": consent}
        body = {"class_word": class_word, "styles": list(styles), "count": count, "consent": attested, **more}
        return self._told(JobState, "POST", "/v1/jobs", json=body).id

    def jobs(self) -> Iterator[JobState]:
        """All jobs of the key, newest first."""
        cursor: dict[str, str] = {}
        while True:
            page = self._told(JobPage, "GET", "/v1/jobs", params={"limit": "100", **cursor})
            yield from page.jobs
            if page.next is None:
                return
            cursor = {"cursor": page.next}

    def job(self, job: str) -> JobState:
        """How it stands."""
        return self._told(JobState, "GET", f"/v1/jobs/{job}")

    def add_photo(self, job: str, data: bytes, wait: float = 0.0) -> Photo:
        """Send one photo and wait up to so many seconds (10 at most) for its verdict."""
        return self._told(Photo, "POST", f"/v1/jobs/{job}/photos", content=data, params={"wait": str(wait)})

    def photos(self, job: str) -> list[Photo]:
        """The photos of a job, each with its verdict."""
        return TypeAdapter(list[Photo]).validate_json(self._call("GET", f"/v1/jobs/{job}/photos").content)

    def remove_photo(self, job: str, photo: str) -> None:
        """Take a photo back before the job starts."""
        self._call("DELETE", f"/v1/jobs/{job}/photos/{photo}")

    def start(self, job: str) -> JobState:
        """Hand the job to the workers."""
        return self._told(JobState, "POST", f"/v1/jobs/{job}/start")

    def watch(self, job: str) -> Iterator[JobState]:
        """The job at each change until it has ended; goes on after the connection was lost."""
        while True:
            try:
                with self._http.stream("GET", f"/v1/jobs/{job}/events", headers=self._key) as answer:
                    if answer.status_code != 200:
                        answer.read()
                        raise _failed(answer)
                    for line in answer.iter_lines():
                        if line.startswith("data: "):
                            state = Watched.model_validate_json(line[6:]).job
                            yield state
                            if state.state in ENDED:
                                return
            except (httpx2.TransportError, Failed) as error:
                if isinstance(error, Failed) and error.status not in AWAY:
                    raise
            time.sleep(WAIT)

    def wait(self, job: str) -> JobState:
        """The job once it has ended."""
        state = self.job(job)
        for seen in self.watch(job):
            state = seen
        return state

    def cancel(self, job: str) -> JobState:
        """Ask it to stop."""
        return self._told(JobState, "POST", f"/v1/jobs/{job}/cancel")

    def pictures(self, job: str) -> list[str]:
        """The names of the pack's files."""
        return list(self._call("GET", f"/v1/jobs/{job}/pictures").json())

    def picture(self, job: str, name: str) -> bytes:
        """One file of the pack."""
        return self._call("GET", f"/v1/jobs/{job}/pictures/{name}").content

    def replace(self, job: str, picture: str, reason: str = Reason.OTHER) -> Replaced:
        """Send a picture back: it is erased for good, and a spare of its style takes its place. `Failed` with the code
        `no_spare_left` where there is none. An archive that was fetched in part before must be fetched anew."""
        return self._told(Replaced, "POST", f"/v1/jobs/{job}/pictures/{picture}/replace", json={"reason": reason})

    def previews(self, job: str) -> list[bytes]:
        """Small pictures of what was drawn so far, while the job is at work."""
        shown = TypeAdapter(list[Preview]).validate_json(self._call("GET", f"/v1/jobs/{job}/previews").content)
        return [self._call("GET", f"/v1/jobs/{job}/previews/{one.number}.jpg").content for one in shown]

    def download(self, job: str, path: Path) -> None:
        """The whole pack as a ZIP file; a half-finished file is gone on with."""
        have = path.stat().st_size if path.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        with self._http.stream("GET", f"/v1/jobs/{job}/pack.zip", headers=self._key | headers) as answer:
            if answer.status_code == 416:  # nothing is missing
                return
            if answer.status_code not in (200, 206):
                answer.read()
                raise _failed(answer)
            with path.open("ab" if answer.status_code == 206 else "wb") as file:
                for piece in answer.iter_bytes():
                    file.write(piece)

    def link(self, job: str) -> str:
        """A key that opens this job and nothing else."""
        return self._told(Link, "POST", f"/v1/jobs/{job}/links").key

    def erase(self, job: str, wait: float = 60.0) -> Deletion:
        """Erase everything of it; the deletion, with its receipt if it was done within so many seconds."""
        owed = self._told(Deletion, "DELETE", f"/v1/jobs/{job}")
        until = time.monotonic() + wait
        while owed.state != "done" and time.monotonic() < until:
            time.sleep(WAIT)
            owed = self._told(Deletion, "GET", f"/v1/deletions/{owed.id}")
        return owed

    def _told(self, kind: type[Answer], method: str, path: str, **more: Any) -> Answer:
        return kind.model_validate_json(self._call(method, path, **more).content)

    def _call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """The answer, after a few tries where it may come later. One key for all of them: it is done once."""
        headers = self._key | ({"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {})
        for last in (*[False] * (TRIES - 1), True):
            wait = WAIT
            try:
                answer = self._http.request(method, path, headers=headers, **more)
                if answer.is_success:
                    return answer
                failure = _failed(answer)
                wait = float(answer.headers.get("Retry-After", WAIT))
                again = answer.status_code in AWAY or failure.code == "idempotency_in_progress"
                if last or not again or wait > LONGEST:
                    raise failure
            except httpx2.TransportError:
                if last:
                    raise
            time.sleep(wait)
        raise AssertionError("unreachable")


def _failed(answer: httpx2.Response) -> Failed:
    try:
        told = answer.json()
    except ValueError:
        told = {}
    return Failed(answer.status_code, told if isinstance(told, dict) else {})
