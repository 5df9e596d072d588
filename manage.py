"""Administration of a deployment, out of band: `python manage.py --help`.

Works against the local engine (`--stage local`, the default) and against any deployed stage, whose tables it
finds in the outputs of the CloudFormation stack `uptime-<stage>` with the operator's own AWS credentials.
"""

import argparse
import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pynamodb.exceptions import PynamoDBException

from chalicelib.domain.api_key import SCOPE_ALIASES, SCOPES, expand_scopes
from chalicelib.domain.team import Team
from chalicelib.errors import AppError, Contended, NotFound
from chalicelib.routes.presenting.api_key import present_key, present_minted
from chalicelib.routes.schemas.api_key import ApiKeyCreate
from chalicelib.routes.schemas.fields import validate
from chalicelib.services.deps import Deps
from chalicelib.services.keys import list_keys, mint_key, revoke_key
from chalicelib.services.teams import create_team
from chalicelib.settings import BadSetting, Settings, from_environment
from chalicelib.wiring import Edges
from localrun.engine import EngineMissing, attached_engine
from localrun.seams import read_seams

Command = Callable[[Deps, argparse.Namespace], dict[str, Any]]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_OPTION_OF = {"name": "--name", "expiresAt": "--expires-at"}
_NAME_COLUMNS = 40


def add_team(deps: Deps, options: argparse.Namespace) -> dict[str, Any]:
    """Create a team with its owner."""
    if not 1 <= len(options.name) <= 255:
        raise BadSetting("the team's name must have 1 to 255 characters")
    if not _EMAIL.fullmatch(options.owner):
        raise BadSetting("--owner must be one e-mail address")
    team = create_team(deps, options.name, options.owner)
    return {"id": team.id, "name": team.name, "slug": team.slug, "ownerId": team.owner_id}


def list_teams(deps: Deps, options: argparse.Namespace) -> dict[str, Any]:
    """Show all teams."""
    return {"teams": [{"id": t.id, "name": t.name, "owner": t.owner_email} for t in deps.teams.all()]}


def add_key(deps: Deps, options: argparse.Namespace) -> dict[str, Any]:
    """Mint an API key and show it, once."""
    team = _team(deps, options.team)
    try:
        scopes = expand_scopes(options.scope or SCOPES)
    except ValueError as unknown:
        raise BadSetting(f"--scope: {unknown}") from None
    expiry = {} if options.expires_at is None else {"expiresAt": options.expires_at}
    wanted = validate(ApiKeyCreate, {"name": options.name, "scopes": list(scopes), **expiry})
    if wanted.expires_at is not None and wanted.expires_at <= deps.now():
        raise BadSetting("--expires-at must be in the future")
    minted = mint_key(
        deps, team.id, wanted.name, scopes, expires_at=wanted.expires_at, created_by=team.owner_id
    )
    return {"team": team.id, **present_minted(minted)}


def show_keys(deps: Deps, options: argparse.Namespace) -> dict[str, Any]:
    """Show a team's API keys, the newest first."""
    team = _team(deps, options.team)
    return {"keys": [present_key(key) for key in list_keys(deps, team.id)]}


def remove_key(deps: Deps, options: argparse.Namespace) -> dict[str, Any]:
    """Revoke an API key: the next request with it is refused."""
    team = _team(deps, options.team)
    try:
        revoke_key(deps, team.id, options.key)
    except NotFound:
        raise NotFound(f"Team {team.id} has no key {options.key!r}.") from None
    return {"team": team.id, "revoked": options.key}


def _team(deps: Deps, team_id: str) -> Team:
    team = deps.teams.get(team_id)
    if team is None:
        raise NotFound(f"There is no team {team_id!r}.")
    return team


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments, argparse.Namespace(stage="local", json=False))
    command: Command = options.command
    try:
        with _settings(options.stage) as settings:
            answer = command(Edges(settings), options)
    except (AppError, BadSetting, Contended, EngineMissing, PynamoDBException) as problem:
        print(f"manage.py: {_shown(_in_words(problem))}", file=sys.stderr)
        return 1
    print(json.dumps(answer, indent=2) if options.json else _plain(answer))
    return 0


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    shared.add_argument("--stage", help="local (default), or the name of a deployed stage")
    shared.add_argument("--json", action="store_true", help="print JSON")
    parser = argparse.ArgumentParser(
        prog="manage.py", description="Administer a deployment of Uptime.", parents=[shared]
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, epilog: str | None = None) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=command.__doc__,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[shared],
        )
        added.set_defaults(command=command)
        return added

    team = add("create-team", add_team)
    team.add_argument("name")
    team.add_argument("--owner", required=True, metavar="EMAIL")

    add("list-teams", list_teams)

    key = add("create-key", add_key, epilog="\n  ".join(("scopes:", *SCOPES, *SCOPE_ALIASES)))
    key.add_argument("team", help="the team's id")
    key.add_argument("--name", default="manage.py", help="1 to 255 characters")
    key.add_argument("--scope", action="append", metavar="SCOPE", help="repeat; all scopes when absent")
    key.add_argument("--expires-at", metavar="RFC3339", help="never when absent")

    keys = add("list-keys", show_keys)
    keys.add_argument("team", help="the team's id")

    revoked = add("revoke-key", remove_key)
    revoked.add_argument("team", help="the team's id")
    revoked.add_argument("key", metavar="key_id", help="the key's id, as list-keys shows it")
    return parser


@contextmanager
def _settings(stage: str) -> Iterator[Settings]:
    """The settings of a stage. The local engine is started for the while when `make run` is not up."""
    settings = from_environment(os.environ)
    if stage != "local":
        yield replace(settings, **_stack_outputs(stage, settings.aws_region))
        return
    seams = read_seams(os.environ)
    with attached_engine(seams.data, seams.dynamodb_endpoint) as engine:
        local = replace(settings, dynamodb_endpoint=engine.endpoint)
        from chalicelib.store.tables import create_tables

        create_tables(local, Edges(local).dynamodb)
        yield local


def _stack_outputs(stage: str, region: str) -> dict[str, Any]:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    names = {
        "TeamsTable": "teams_table",
        "ChecksTable": "checks_table",
        "AlertsTable": "alerts_table",
        "ProbeQueueUrl": "probe_queue_url",
    }
    try:
        stacks = boto3.client("cloudformation", region_name=region).describe_stacks(
            StackName=f"uptime-{stage}"
        )
    except (ClientError, BotoCoreError) as error:
        raise BadSetting(f"stage {stage}: {error}") from None
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stacks["Stacks"][0].get("Outputs", [])}
    missing = sorted(set(names) - set(outputs))
    if missing:
        raise BadSetting(f"stage {stage}: the stack has no output {', '.join(missing)}")
    return {field: outputs[output] for output, field in names.items()}


def _in_words(problem: Exception) -> str:
    """What is wrong with which option; the field names are those of the API's body."""
    details = problem.details if isinstance(problem, AppError) else ()
    return "; ".join(f"{_OPTION_OF.get(d.field, d.field)}: {d.message}" for d in details) or str(problem)


def _plain(answer: dict[str, Any]) -> str:
    if "teams" in answer:
        rows = [(team["id"], _cut(team["name"]), team["owner"]) for team in answer["teams"]]
        return _aligned(rows) or "no teams"
    if "keys" in answer:
        return _aligned([_key_row(key) for key in answer["keys"]]) or "no keys"
    known = {**answer, "scopes": _scopes(answer["scopes"])} if "scopes" in answer else answer
    return "\n".join(f"{name}: {_shown(value)}" for name, value in known.items() if value is not None)


def _key_row(key: dict[str, Any]) -> Sequence[str]:
    used, expires = key["lastUsedAt"], key["expiresAt"]
    return (
        key["id"],
        key["keyPrefix"],
        _cut(key["name"]),
        f"created {key['createdAt']}",
        f"used {used}" if used else "never used",
        f"expires {expires}" if expires else "never expires",
        _scopes(key["scopes"]),
    )


def _scopes(scopes: Sequence[str]) -> str:
    return "all scopes" if set(scopes) == set(SCOPES) else ", ".join(scopes)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    cells = [[_shown(text) for text in row] for row in rows]
    widths = [max(map(_columns, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(text + " " * (width - _columns(text)) for text, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def _cut(name: str) -> str:
    """As much of a name as leaves the line readable; `--json` shows it whole."""
    text = _shown(name)
    return text if len(text) <= _NAME_COLUMNS else f"{text[: _NAME_COLUMNS - 3]}..."


def _shown(text: str) -> str:
    """With escapes for whatever breaks a line, steers a terminal, or cannot be printed to this one."""
    encoding = sys.stdout.encoding or "utf-8"
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def _columns(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


if __name__ == "__main__":
    sys.exit(main())
