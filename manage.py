"""Administration of a deployment, out of band: `python manage.py --help`.

Works against the local engine (`--stage local`, the default) and against any deployed stage, whose tables it
finds in the outputs of the CloudFormation stack `uptime-<stage>` with the operator's own AWS credentials.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pynamodb.exceptions import PynamoDBException

from chalicelib.domain.api_key import SCOPES
from chalicelib.errors import AppError, Contended, NotFound
from chalicelib.services.deps import Deps
from chalicelib.services.keys import mint_key
from chalicelib.services.teams import create_team
from chalicelib.settings import BadSetting, Settings, from_environment
from chalicelib.wiring import Edges
from localrun.engine import EngineMissing, attached_engine
from localrun.seams import read_seams

Command = Callable[[Deps, argparse.Namespace], dict[str, Any]]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


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
    team = deps.teams.get(options.team)
    if team is None:
        raise NotFound(f"There is no team {options.team}.")
    scopes = options.scope or list(SCOPES)
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise BadSetting(f"unknown scopes: {', '.join(unknown)}")
    minted = mint_key(deps, team.id, options.name, scopes, created_by=team.owner_id)
    return {"id": minted.key.id, "team": team.id, "key": minted.plaintext}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        with _settings(options.stage) as settings:
            answer = command(Edges(settings), options)
    except (AppError, BadSetting, Contended, EngineMissing, PynamoDBException) as problem:
        print(f"manage.py: {problem}", file=sys.stderr)
        return 1
    print(json.dumps(answer, indent=2) if options.json else _plain(answer))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="manage.py", description="Administer a deployment of Uptime.")
    parser.add_argument("--stage", default="local", help="local (default), or the name of a deployed stage")
    parser.add_argument("--json", action="store_true", help="print JSON")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    team = commands.add_parser("create-team", help=add_team.__doc__)
    team.add_argument("name")
    team.add_argument("--owner", required=True, metavar="EMAIL")
    team.set_defaults(command=add_team)

    commands.add_parser("list-teams", help=list_teams.__doc__).set_defaults(command=list_teams)

    key = commands.add_parser("create-key", help=add_key.__doc__)
    key.add_argument("team", help="the team's id")
    key.add_argument("--name", default="manage.py")
    key.add_argument("--scope", action="append", metavar="SCOPE", help="repeat; all scopes when absent")
    key.set_defaults(command=add_key)
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


def _plain(answer: dict[str, Any]) -> str:
    rows = answer.get("teams")
    if rows is not None:
        return "\n".join("  ".join(row.values()) for row in rows) or "no teams"
    return "\n".join(f"{name}: {value}" for name, value in answer.items())


if __name__ == "__main__":
    sys.exit(main())
