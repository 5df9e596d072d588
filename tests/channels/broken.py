"""A channel with a bug in each function, set off by its configuration. The errors have its secret in them."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.message import DELIVERED, HttpMessage, Verdict, post_json
from chalicelib.domain.notice import Notice


def parse(config: Mapping[str, Any]) -> Mapping[str, Any]:
    _raise_if(config["bug"] == "parse", config["secret"])
    return config


def render(config: Mapping[str, Any], notice: Notice) -> HttpMessage:
    _raise_if(config["bug"] == "render", config["secret"])
    return post_json(f"https://broken.example/{config['bug']}", {})


def judge(status: int, body: bytes, headers: Mapping[str, str]) -> Verdict:
    _raise_if(status == 299, body.decode())
    return DELIVERED


def _raise_if(is_set_off: bool, secret: str) -> None:
    if is_set_off:
        raise RuntimeError(secret)
