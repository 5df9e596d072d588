"""Started in the place of a handler of the package: the same one, with settings that a local run can have.

A deployed function has no variable for them. With them its checks reach the tests' servers on loopback.
"""

import json
import os
from dataclasses import replace
from importlib import import_module

from chalicelib import wiring
from chalicelib.settings import from_environment

_given = json.loads(os.environ["SEAMS"])
_settings = replace(
    from_environment(os.environ), egress_allow=_given["egress_allow"], dns_server=tuple(_given["dns_server"])
)
_override = wiring.override(wiring.Edges(_settings))
_override.__enter__()

_module, _, _function = os.environ["SEAMED_HANDLER"].rpartition(".")
handler = getattr(import_module(_module), _function)
