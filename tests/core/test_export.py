"""CSV text of curves and log rows."""

import csv
import io
import math

import numpy as np

from dockscope.core.curve import Curve
from dockscope.core.export import curves_csv, log_csv
from dockscope.core.records import LogStore


def read(text):
    return list(csv.reader(io.StringIO(text)))


def curve(name, labels=(), fields=()):
    made = Curve("p", name, labels)
    made.add_fields(fields)
    numbers = np.arange(4.0)
    made.append(numbers, numbers / 3, fields, [numbers * 10 for _ in fields])
    return made


def test_samples_read_back_exactly():
    """Every number has all its digits; a curve without a field has an empty cell."""
    text = curves_csv([curve("loss", (("phase", "val"),), ("step",)), curve("lr")], name_of=lambda key: f"run {key}")
    head, *rows = read(text)
    assert head == ["producer", "metric", "labels", "t", "value", "step"]
    assert len(rows) == 8
    assert rows[1][:3] == ["run p", "loss", "phase=val"]
    assert [float(row[4]) for row in rows[:4]] == [k / 3 for k in range(4)]
    assert rows[1][5] == "10.0"
    assert rows[5][5] == ""


def test_only_what_is_visible():
    """The window of the plot limits the rows, and curves without its axis are left out."""
    rows = read(curves_csv([curve("loss", (), ("step",)), curve("lr")], x="step", lo=10, hi=20))[1:]
    assert [(row[1], row[5]) for row in rows] == [("loss", "10.0"), ("loss", "20.0")]


def test_odd_numbers_are_told():
    """NaN and infinities are written as such."""
    made = Curve("p", "m", ())
    made.append(np.array([1.0, 2.0, 3.0]), np.array([math.nan, math.inf, -math.inf]), (), [])
    assert [row[4] for row in read(curves_csv([made]))[1:]] == ["nan", "inf", "-inf"]


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
    assert read(curves_csv([curve("@m")]))[1][1] == "'@m"
