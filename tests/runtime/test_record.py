"""Records do what data classes do."""

from dataclasses import dataclass
from dataclasses import field as data_field
from typing import Any

import pytest

from lazytensor._base.record import Record, compared, field, replace
from lazytensor.lower.kernel import Constant, Kernel, Launch


class Point(Record, frozen=True):
    x: int
    y: int = 2
    note: str = field(default="", compare=False)


class Bag(Record):
    name: str
    items: list[int] = field(default_factory=list)


class Labelled(Bag):
    label: str = "a"


def test_arguments_come_by_place_and_by_name_and_have_defaults():
    for made in (Point(1, 2), Point(1), Point(x=1), Point(1, y=2), Point(y=2, x=1, note="n")):
        assert (made.x, made.y) == (1, 2)
    assert Labelled("n", label="b").label == "b"
    assert Labelled("n", [1]).items == [1]


@pytest.mark.parametrize(
    ("given", "named"),
    [((), {}), ((1, 2, "", 0), {}), ((1,), {"x": 1}), ((1,), {"z": 1})],
)
def test_arguments_that_do_not_fit_are_refused(given: Any, named: Any):
    with pytest.raises(TypeError):
        Point(*given, **named)


def test_defaults_are_made_for_each():
    a, b = Bag("n"), Bag("n")
    a.items.append(1)
    assert b.items == []
    assert a != b


def test_equality_and_hashes_are_those_of_the_compared_fields():
    assert Point(1, note="a") == Point(1, note="b")
    assert hash(Point(1, note="a")) == hash(Point(1, note="b"))
    assert Point(1) != Point(2)
    assert Point(1) != (1, 2)
    assert Bag("n") != Labelled("n")
    assert compared(Point) == ("x", "y")
    with pytest.raises(TypeError, match="unhashable"):
        hash(Bag("n"))


def test_a_replaced_field_leaves_the_others():
    assert replace(Point(1, note="a"), y=3) == Point(1, 3)
    assert replace(Point(1, note="a"), y=3).note == "a"
    first = Labelled("n", [1])
    assert replace(first, label="b").items is first.items
    with pytest.raises(TypeError):
        replace(first, other=1)


def test_the_text_is_that_of_a_data_class():
    @dataclass(frozen=True)
    class Data:
        x: int
        y: int = 2
        note: str = data_field(default="", compare=False)

    assert repr(Point(1)).removeprefix("Point") == repr(Data(1)).rpartition("Data")[2]


def test_kernels_are_compared_as_before():
    zero, negative = (Constant(0.0, "d", text) for text in ("0.0", "-0.0"))  # type: ignore[arg-type]
    assert zero != negative
    assert zero == Constant(None, "d", "0.0")  # type: ignore[arg-type]
    a, b = (Kernel(1, 0, (), (zero,), (), (0,)) for _ in range(2))
    assert a == b
    assert hash(a) == hash(b)
    assert hash(a) != hash(replace(a, totals=(1,)))
    assert Launch.__hash__ is None
