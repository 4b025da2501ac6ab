"""The operator's commands: purge, reconcile, holds, keys. What they do is in the modules that they call."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from avatar.cli import show
from avatar.settings import Settings

if TYPE_CHECKING:
    from avatar.service import Service

hold = typer.Typer(
    no_args_is_help=True, help="Legal holds: what is held is not erased, whoever asks. All of it is audited."
)
key = typer.Typer(no_args_is_help=True, help="Keys of the API: make, list, revoke.")
AsJson = Annotated[bool, typer.Option("--json", help="print a document instead of sentences")]


def add_to(app: typer.Typer) -> None:
    """Give the main command these."""
    app.add_typer(hold, name="hold")
    app.add_typer(key, name="key")
    app.command("purge")(purge)
    app.command("reconcile")(reconcile)


def purge(
    jobs: Annotated[list[str] | None, typer.Argument(help="ids of jobs")] = None,
    client: Annotated[str | None, typer.Option(help="all jobs of this key, by its id")] = None,
    older_than: Annotated[str | None, typer.Option(help="all jobs ordered longer ago, such as 30d")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="all jobs there are")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would go, and change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask, however many")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase jobs of the service, now and for good, with a receipt each. Choices are joined by "and".

    More than ten jobs are erased only when somebody says yes. Run twice is the same as once; stopped or killed half-way
    and run again, it completes (what a killed run had in its hands is waited for, a minute at most).

    \b
    Exit codes:
      0    all that was chosen is erased, or would be
      1    a fault
      2    wrong use, or not confirmed
      3    refused: a job or a key that is not known
      4    something is left: under a legal hold, or it would not go now
      130  stopped by a signal
    """
    from avatar.cli import purge as work
    from avatar.ledger.chosen import Which

    age = work.age(older_than) if older_than else None
    which = Which(tuple(jobs or ()), client, age, everything)
    raise typer.Exit(work.purge(which, Settings(), dry_run=dry_run, yes=yes, as_json=as_json))


def reconcile(
    fix: Annotated[bool, typer.Option("--fix", help="remove what must not be, end what can not go on")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare stores and ledger both ways. Exit codes: 0 they fit, or were made to; 4 they do not."""
    from avatar.erasure import reconcile as work
    from avatar.ledger.audit import CONSOLE

    service = _service()
    strays = work.find(service.engine, service.vault)
    if fix:
        work.fix(service.engine, service.vault, strays, CONSOLE)
    if as_json:
        typer.echo(json.dumps({"strays": [asdict(one) for one in strays], "fixed": fix}, indent=2))
    else:
        for one in strays:
            show.console.print(f"{one.job}  {one.what:<8}  {one.why}")
        end = "made to fit" if fix else "`avatar reconcile --fix` removes or ends them"
        show.console.print(f"{len(strays)} do not fit; {end}." if strays else "Stores and ledger fit.")
    raise typer.Exit(4 if strays and not fix else 0)


@hold.command("add")
def hold_add(job: str, reason: Annotated[str, typer.Option(help="court_order, preservation_request, ...")]) -> None:
    """Hold a job: from here on nothing of it is erased."""
    from avatar.ledger import holds
    from avatar.ledger.audit import CONSOLE

    known = [one.value for one in holds.Reason]
    if reason not in known:
        raise typer.BadParameter(f"a reason is one of {', '.join(known)}")
    typer.echo(holds.add(_service().engine, job, holds.Reason(reason), CONSOLE))


@hold.command("list")
def hold_list(as_json: AsJson = False) -> None:
    """What is held, why, and since when."""
    from avatar.ledger import holds
    from avatar.ledger.audit import CONSOLE
    from avatar.ledger.rows import moment

    rows = holds.page(_service().engine, CONSOLE)
    told = [
        {"id": row.id, "job": row.job, "reason": row.code, "since": moment(row.made_at).isoformat()} for row in rows
    ]
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    for one in () if as_json else told:
        show.console.print(f"{one['job']}  {one['reason']}  {one['since']}")


@hold.command("looks")
def hold_looks(job: str, as_json: AsJson = False) -> None:
    """Who was given what of a held job, and when: its pack, its receipts."""
    from avatar.ledger import holds
    from avatar.ledger.audit import CONSOLE
    from avatar.ledger.rows import moment

    rows = holds.looks(_service().engine, job, CONSOLE)
    told = [{"who": row.who, "what": row.code, "at": moment(row.at).isoformat()} for row in rows]
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    for one in () if as_json else told:
        show.console.print(f"{one['at']}  {one['who']}  {one['what'].removeprefix(holds.SEEN)}")
    if not (told or as_json):
        show.console.print("Nobody was given anything of it.")


@hold.command("lift")
def hold_lift(job: str) -> None:
    """End the holds on a job; what was owed meanwhile is due at once."""
    from avatar.ledger import holds
    from avatar.ledger.audit import CONSOLE

    typer.echo(f"{holds.lift(_service().engine, job, CONSOLE)} lifted")


@key.command("make")
def key_make(
    label: Annotated[str, typer.Argument(help="your own word for whoever gets it")],
    admin: Annotated[bool, typer.Option("--admin", help="for the operator's calls; opens no pictures")] = False,
    jobs_a_day: Annotated[int, typer.Option(min=0)] = 3,
    running: Annotated[int, typer.Option(min=0)] = 1,
    uploads_an_hour: Annotated[int, typer.Option(min=0)] = 20,
    as_json: AsJson = False,
) -> None:
    """Make a key; it is shown this once."""
    from avatar.ledger.audit import CONSOLE, noted
    from avatar.ledger.clients import Quota, Scope, make_client

    scope = Scope.ADMIN if admin else Scope.CLIENT
    engine = _service().engine
    made, secret = make_client(engine, label, scope, Quota(jobs_a_day, running, uploads_an_hour))
    noted(engine, CONSOLE, f"key_made:{scope}", made.id)
    typer.echo(json.dumps({"id": made.id, "scope": scope, "key": secret}) if as_json else f"{made.id}\n{secret}")


@key.command("list")
def key_list(as_json: AsJson = False) -> None:
    """The keys there are, without their secrets, which nobody has."""
    from avatar.ledger.clients import everybody

    told = everybody(_service().engine)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    for one in () if as_json else told:
        show.console.print(
            f"{one['id']}  {one['scope']:<6}  {one['label']}{'  [red]revoked[/]' * bool(one['revoked'])}"
        )


@key.command("revoke")
def key_revoke(client: Annotated[str, typer.Argument(help="the id of a key")]) -> None:
    """End a key: its next call is refused, its jobs are stopped. Its jobs are not erased: `avatar purge --client`."""
    from avatar.ledger.audit import CONSOLE, noted
    from avatar.ledger.clients import revoke

    engine = _service().engine
    noted(engine, CONSOLE, "key_revoked", client)
    typer.echo("revoked" if revoke(engine, client) else "it was not valid")


def _service() -> Service:
    from avatar.service import open_service

    return open_service(Settings())
