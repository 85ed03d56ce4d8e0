"""Validates an RO-Crate by roc-validator: `validate_crate.py FOLDER SEVERITY`; each issue is a line, and 1 the exit code.

The JSON-LD context of RO-Crate 1.1 is the copy in the package `rocrate`, as w3id.org serves it: a test asks no network. Any
other address is an error.
"""

import io
import pathlib
import sys

import requests
import rocrate
from rocrate_validator import models, services

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
COPY = pathlib.Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld"


def send(_, request, **__):
    if request.url.rstrip("/") != CONTEXT:
        raise requests.ConnectionError(f"a test asks no network: {request.url}")
    response = requests.Response()
    response.status_code = 200
    response.headers["Content-Type"] = "application/ld+json"
    response.url, response.request, response.raw = request.url, request, io.BytesIO(COPY.read_bytes())
    return response


requests.adapters.HTTPAdapter.send = send
result = services.validate(
    services.ValidationSettings(
        rocrate_uri=sys.argv[1],
        profile_identifier="process-run-crate",
        requirement_severity=models.Severity[sys.argv[2]],
        abort_on_first=False,
        no_cache=True,
    )
)
for issue in result.get_issues():
    print(issue.severity.name, issue.check.identifier, issue.message, getattr(issue, "violatingEntity", None) or "")
sys.exit(0 if result.passed() else 1)
