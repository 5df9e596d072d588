"""What the contenders are pointed at, as one word of a command line."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Self

HOST = "page.bench.test"


@dataclass(frozen=True)
class Target:
    """The servers of a run, and which kind of check is made of them: http, https, tcp or dns.

    `ca_file` has the usual roots and the servers' own. `resolv_conf` names the same name server for programs
    that ask the machine's own; it is empty where they cannot be made to read it.
    """

    http_port: int
    https_port: int
    dns_port: int
    ca_file: str
    resolv_conf: str = ""
    kind: str = "http"
    path: str = "/"

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        return cls(**json.loads(text))

    def of(self, kind: str, path: str = "/") -> Self:
        return replace(self, kind=kind, path=path)

    @property
    def port(self) -> int:
        return self.https_port if self.kind == "https" else self.http_port

    @property
    def url(self) -> str:
        return f"{self.kind}://{HOST}:{self.port}{self.path}"
