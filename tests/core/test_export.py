"""CSV text of log rows."""

import csv
import io

from dockscope.core.export import cell, log_csv
from dockscope.core.records import LogStore


def read(text):
    return list(csv.reader(io.StringIO(text)))


def test_a_spreadsheet_gets_no_formula():
    """Received text that looks like a formula is text; commas, quotes and line breaks stay in their cell."""
    log = LogStore()
    log.append(0.0, "=1+1", "log", "info", '=HYPERLINK("http://x"), a\nb', {"k": "v"})
    log.append(1e300, "p", "log", "info", "when?")
    rows = read(log_csv(log.rows))
    assert rows[1] == [
        "1970-01-01T00:00:00.000+00:00",
        "'=1+1",
        "log",
        "info",
        '\'=HYPERLINK("http://x"), a\nb',
        '{"k": "v"}',
    ]
    assert rows[2][0] == "1e+300"
    assert [cell(text) for text in ("@m", "-1", "+1", "\tx", "m")] == ["'@m", "'-1", "'+1", "'\tx", "m"]
