"""The text of what carries out whole calls of compiled functions: see `calls.py`.

What enters: where objects hold what. What leaves: the text of a module, whose function Python calls
as a fast call of its interface for C. It must not know what is computed.
"""

from collections.abc import Mapping

from .calls import ADDRESSES, NUMBERS
from .code import Code, Value
from .loops import ZERO, Values, carried, choose, each, where

_HEAD = "define ptr @kernel(ptr %self, ptr %args, i64 %given) nounwind {\nentry:"
_EQUAL = 2
# What objects begin with.
_OBJECT = object.__basicsize__
_NULL = Value("null", "ptr")


class Calling:
    """Writes the function. Whatever it holds is in `held`, and is dropped at the end, whether it
    goes on to there, to `refuse` or, where something is raised, to `failed`: what lacks memory is
    refused, too.
    """

    def __init__(self, places: Mapping[str, int]) -> None:
        self.c = c = Code()
        self._places = places
        packed = self._call("ptr", "PyTuple_GetItem", Value("%self", "ptr"), ZERO)
        base = self._call("ptr", "PyBytes_AsString", packed)
        names = (*ADDRESSES, *NUMBERS)
        self._records = self._at(base, 8 * len(names))
        self.w = {
            name: self._load("i64" if name in NUMBERS else "ptr", base, 8 * i)
            for i, name in enumerate(names)
        }
        self.made = c.binary("add", self.w["operands"], self.w["outputs"])
        self.data = self._room(c.binary("add", self.made, self.w["constants"]))
        self.held, self.pointers = self._room(self.made), self._room(self.w["widest"])
        self.answer, self.count = self._room(1), self._room(1)
        self._store(_NULL, self.answer)
        self._store(ZERO, self.count)

    def text(self) -> str:
        """The module."""
        c = self.c
        self._stop(c.compare("ne", Value("%given", "i64"), self.w["operands"]), "refuse")
        self._quiet()
        _, record = carried(c, ZERO, self.w["names"], 1, [self._records], self._name)
        _, record = carried(c, ZERO, self.w["cells"], 1, [record], self._cell)
        _, record = carried(c, ZERO, self.w["operands"], 1, [record], self._operand)
        _, record = carried(c, self.w["operands"], self.made, 1, [record], self._output)
        all_ = c.binary("add", self.made, self.w["constants"])
        _, record = carried(c, self.made, all_, 1, [record], self._constant)
        _, record = carried(c, ZERO, self.w["launches"], 1, [record], self._launch)
        several = c.compare("ne", self.w["results"], 1)
        where(c, several, self._tuple)
        carried(c, ZERO, self.w["results"], 1, [record], self._result)
        self._notes()
        c.jump("done")
        c.label("failed")
        self._call("void", "Py_DecRef", self._load("ptr", self.answer))
        self._store(_NULL, self.answer)
        full = self._call("i32", "PyErr_ExceptionMatches", "no_memory")
        self._stop(c.compare("eq", full, 0), "done")
        self._call("void", "PyErr_Clear")
        c.jump("refuse")
        c.label("refuse")
        self._call("void", "Py_IncRef", "missed")
        self._store(self.w["missed"], self.answer)
        c.jump("done")
        c.label("done")
        each(c, ZERO, self._load("i64", self.count), 1, self._drop)
        c.raw(f"ret {self._load('ptr', self.answer)}")
        body = "\n".join([_HEAD, *c.lines, "}"])
        return "\n".join([body, *sorted(c.declared)]) + "\n"

    # --- what is written --------------------------------------------------------------------------

    def _call(self, type: str, name: str, *arguments: Value | str) -> Value:
        """A call of Python's interface; strings name words."""
        given = [self.w[a] if isinstance(a, str) else a for a in arguments]
        self.c.declared.add(f"declare {type} @{name}({', '.join(a.type for a in given)})")
        rhs = f"call {type} @{name}({', '.join(map(repr, given))})"
        if type == "void":
            self.c.raw(rhs)
            return _NULL
        return self.c.fresh(rhs, type)

    def _at(self, base: Value, nbytes: Value | int) -> Value:
        return self.c.step(base, nbytes)

    def _word(self, base: Value, i: Value | int) -> Value:
        """Where a word is."""
        return self._at(base, 8 * i if isinstance(i, int) else self.c.binary("shl", i, 3))

    def _load(self, type: str, base: Value, nbytes: Value | int = 0) -> Value:
        return self.c.fresh(f"load {type}, {self._at(base, nbytes)}", type)

    def _store(self, value: Value, at: Value) -> None:
        self.c.raw(f"store {value}, {at}")

    def _room(self, words: Value | int) -> Value:
        count = words if isinstance(words, Value) else self.c.const(words, "i64")
        return self.c.fresh(f"alloca ptr, {count}", "ptr")

    def _stop(self, condition: Value, where_to: str) -> None:
        """Go elsewhere if a condition holds."""
        on = self.c.name("on")
        self.c.branch(condition, where_to, on)
        self.c.label(on)

    def _made(self, x: Value) -> Value:
        """What a call has made, unless there was no memory."""
        self._stop(self.c.compare("eq", x, _NULL), "failed")
        return x

    def _more(self, at: Value, by: Value | int) -> Value:
        """A number in memory grows."""
        sum_ = self.c.binary("add", self._load("i64", at), by)
        self._store(sum_, at)
        return sum_

    # --- what has to be as it was -----------------------------------------------------------------

    def _quiet(self) -> None:
        """Nothing is traced, nobody watches, and settings are what they were."""
        c = self.c
        depth = self._made(self._call("ptr", "PyObject_GetAttr", "tracing", "depth"))
        self._call("void", "Py_DecRef", depth)
        watchers = [self._call("i64", "PyList_Size", x) for x in ("observers", "timers")]
        watched = c.compare("ne", c.binary("or", *watchers), 0)
        traced = c.compare("ne", depth, self.w["zero"])
        self._stop(c.binary("or", traced, watched), "refuse")
        stack = self._made(self._call("ptr", "PyObject_GetAttr", "context", "stack"))
        entered = c.compare("ne", self._call("i64", "PyList_Size", stack), 0)
        self._call("void", "Py_DecRef", stack)
        now = self._call("ptr", "PyList_GetItem", "version", ZERO)
        changed = c.compare("ne", now, self.w["now"])
        where(c, c.binary("or", entered, changed), self._settings)

    def _settings(self) -> None:
        found = self._made(self._call("ptr", "PyObject_CallOneArg", "several", "settings"))
        equal = Value(str(_EQUAL), "i32")
        same = self._call("i32", "PyObject_RichCompareBool", found, "values", equal)
        self._call("void", "Py_DecRef", found)
        self._stop(self.c.compare("ne", same, 1), "refuse")

    def _name(self, _: Value, cursor: Values) -> Values:
        """A dict, a name in it, and what it has to mean."""
        names, name, held = (self._load("ptr", cursor[0], n) for n in (0, 8, 16))
        found = self._call("ptr", "PyDict_GetItemWithError", names, name)
        self._stop(self.c.compare("ne", found, held), "refuse")
        return [self._at(cursor[0], 24)]

    def _cell(self, _: Value, cursor: Values) -> Values:
        """A cell, and what it has to hold."""
        cell, held = (self._load("ptr", cursor[0], n) for n in (0, 8))
        found = self._call("ptr", "PyCell_Get", cell)
        self._call("void", "Py_DecRef", found)
        self._stop(self.c.compare("ne", found, held), "refuse")
        return [self._at(cursor[0], 16)]

    def _operand(self, i: Value, cursor: Values) -> Values:
        """An operand, which its record has a dtype and a device of (nothing for an array), how many
        axes, their sizes and strides.
        """
        c, (record,) = self.c, cursor
        x = self._load("ptr", Value("%args", "ptr"), self.c.binary("shl", i, 3))
        dtype, device = (self._load("ptr", record, n) for n in (0, 8))
        axes = self._load("i64", record, 16)
        plain = c.compare("eq", dtype, _NULL)
        (array,) = choose(c, plain, lambda: [x], lambda: [self._value(x, dtype, device)])
        self._is("ptr", array, "KIND", self.w["arrays"])
        count = c.convert("sext", self._load("i32", array, self._places["axes"]), "i64")
        self._stop(c.compare("ne", count, axes), "refuse")
        sizes = self._at(record, 24)
        strides = self._word(sizes, axes)
        self._equal("sizes", array, sizes, axes)
        self._equal("strides", array, strides, axes)
        self._call("void", "Py_IncRef", array)
        self._hold(i, array)
        return [self._word(strides, axes)]

    def _is(self, type: str, x: Value, field: str, expected: Value) -> None:
        found = self._load(type, x, self._places[field])
        self._stop(self.c.compare("ne", found, expected), "refuse")

    def _value(self, x: Value, dtype: Value, device: Value) -> Value:
        """What a handle's leaf has as its value."""
        self._is("ptr", x, "KIND", self.w["handles"])
        node = self._load("ptr", x, self._places["_node"])
        for field, expected in (("args", self.w["nothing"]), ("dtype", dtype), ("device", device)):
            self._is("ptr", node, field, expected)
        return self._load("ptr", node, self._places["value"])

    def _equal(self, field: str, array: Value, expected: Value, axes: Value) -> None:
        """An array's sizes or strides."""
        found = self._load("ptr", array, self._places[field])

        def axis(i: Value) -> None:
            a, b = (self._load("i64", at, self.c.binary("shl", i, 3)) for at in (found, expected))
            self._stop(self.c.compare("ne", a, b), "refuse")

        each(self.c, ZERO, axes, 1, axis)

    def _hold(self, i: Value, array: Value) -> None:
        """An array is there by number: the address of its data, and a reference to it."""
        self._store(array, self._word(self.held, i))
        self._store(self._load("ptr", array, self._places["OFFSET"]), self._word(self.data, i))
        self._more(self.count, 1)

    # --- what is done -----------------------------------------------------------------------------

    def _output(self, i: Value, cursor: Values) -> Values:
        """A new array: of a shape and a dtype."""
        two = Value("2", "i64")
        made = self._call("ptr", "PyObject_Vectorcall", "empty", cursor[0], two, _NULL)
        self._hold(i, self._made(made))
        return [self._at(cursor[0], 16)]

    def _constant(self, i: Value, cursor: Values) -> Values:
        """An address."""
        self._store(self._load("ptr", cursor[0]), self._word(self.data, i))
        return [self._at(cursor[0], 8)]

    def _launch(self, _: Value, cursor: Values) -> Values:
        """A kernel's call: its words, count, and how many arrays, and which."""
        c, (record,) = self.c, cursor
        words, count = self._load("ptr", record), self._load("i64", record, 16)

        def array(i: Value) -> None:
            number = self._load("i64", self._word(record, c.binary("add", i, 3)))
            address = self._load("ptr", self._word(self.data, number))
            self._store(address, self._word(self.pointers, i))

        each(c, ZERO, count, 1, array)
        hi, kernel, long = (
            self._load(type, at, n)
            for type, at, n in (("i64", record, 8), ("ptr", words, 0), ("i64", words, 8))
        )
        rhs = f"call i64 {kernel.text}(i64 0, {hi}, {self.pointers}, {self._at(words, 32)})"

        def apart() -> Values:
            state = self._call("ptr", "PyEval_SaveThread")
            status = c.fresh(rhs, "i64")
            self._call("void", "PyEval_RestoreThread", state)
            return [status]

        alone = c.compare("eq", long, 0)
        (status,) = choose(c, alone, lambda: [c.fresh(rhs, "i64")], apart)
        self._stop(c.compare("ne", status, 0), "refuse")
        return [self._word(record, c.binary("add", count, 3))]

    def _tuple(self) -> None:
        self._store(self._made(self._call("ptr", "PyTuple_New", "results")), self.answer)

    def _result(self, i: Value, cursor: Values) -> Values:
        """A handle whose node has an array as its value: the array's number, a node and a handle
        that they are like.
        """
        c, (record,) = self.c, cursor
        handle = self._copy(self._load("ptr", record, 16), self.w["handle"])

        def several() -> None:
            self._call("i32", "PyTuple_SetItem", self._load("ptr", self.answer), i, handle)

        alone = c.compare("eq", self.w["results"], 1)
        choose(c, alone, lambda: self._store(handle, self.answer), several)
        node = self._copy(self._load("ptr", record, 8), self.w["node"])
        self._put(handle, "_node", node)
        array = self._load("ptr", self._word(self.held, self._load("i64", record)))
        self._call("void", "Py_IncRef", array)
        self._put(node, "value", array)
        self._put(node, "serial", self._made(self._call("ptr", "PyIter_Next", "serials")))
        return [self._at(record, 24)]

    def _copy(self, old: Value, nbytes: Value) -> Value:
        """A new object that holds what another one does."""
        kind = self._load("ptr", old, self._places["KIND"])
        new = self._made(self._call("ptr", "PyType_GenericAlloc", kind, ZERO))

        def slot(at: Value) -> None:
            held = self._load("ptr", old, at)
            self._call("void", "Py_IncRef", held)
            self._store(held, self._at(new, at))

        each(self.c, self.c.const(_OBJECT, "i64"), nbytes, 8, slot)
        return new

    def _put(self, x: Value, slot: str, new: Value) -> None:
        """Something else in a slot."""
        at = self._at(x, self._places[slot])
        old = self._load("ptr", at)
        self._store(new, at)
        self._call("void", "Py_DecRef", old)

    def _notes(self) -> None:
        """Figures: nodes, kernels, bytes; calls; bytes that count towards the next look."""
        for i, by in enumerate((self.w["results"], self.w["launches"], self.w["bytes"])):
            self._more(self._word(self.w["tally"], i), by)
        self._more(self.w["hits"], 1)
        new = self._word(self.w["tally"], 3)
        enough = self.c.compare("sgt", self._more(new, self.w["counted"]), self.w["most"])
        where(self.c, enough, lambda: self._told(new))

    def _told(self, new: Value) -> None:
        number = self._made(self._call("ptr", "PyLong_FromLongLong", self._load("i64", new)))
        self._store(ZERO, new)
        done = self._call("ptr", "PyObject_CallOneArg", "new_bytes", number)
        self._call("void", "Py_DecRef", number)
        self._call("void", "Py_DecRef", self._made(done))

    def _drop(self, i: Value) -> None:
        self._call("void", "Py_DecRef", self._load("ptr", self._word(self.held, i)))
