"""`torch.utils.tensorboard`: event files, read by a reader of our own, and by TensorBoard's where
it is installed.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lazytensor.torch as torch
from lazytensor.torch.utils.tensorboard import FileWriter, SummaryWriter, _wire


def records(folder: Path) -> list[bytes]:
    """The records of the one event file in a folder, their checksums looked at."""
    (path,) = [p for p in folder.iterdir() if p.name.startswith("events.out.tfevents.")]
    data, out = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        body = data[12 : 12 + length]
        for part, at in ((data[:8], 8), (body, 12 + length)):
            crc = _wire.crc32c(part)
            turned = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
            assert data[at : at + 4] == struct.pack("<I", turned)
        out.append(body)
        data = data[16 + length :]
    return out


def varint(data: bytes) -> tuple[int, bytes]:
    value = shift = 0
    while True:
        byte, data = data[0], data[1:]
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, data


def fields(data: bytes) -> dict[int, Any]:
    """Fields by number: whole numbers, floating ones, or bytes."""
    out: dict[int, Any] = {}
    while data:
        key, data = varint(data)
        number, kind = key >> 3, key & 7
        if kind == 0:
            out[number], data = varint(data)
        elif kind == 2:
            length, data = varint(data)
            out[number], data = data[:length], data[length:]
        else:
            size, code = (8, "<d") if kind == 1 else (4, "<f")
            (out[number],), data = struct.unpack(code, data[:size]), data[size:]
    return out


def events(folder: Path) -> list[tuple[int, dict[int, Any]]]:
    """(step, fields of the value) of each summary in the file; the first record is the version."""
    first, *rest = map(fields, records(folder))
    assert first[3] == b"brain.Event:2"
    return [(event.get(2, 0), fields(fields(event[5])[1])) for event in rest]


def test_checksums_are_castagnolis() -> None:
    assert _wire.crc32c(b"123456789") == 0xE3069283
    assert _wire.crc32c(b"") == 0
    google = pytest.importorskip("google_crc32c")
    assert _wire.crc32c(bytes(range(256)) * 3) == google.value(bytes(range(256)) * 3)


def test_scalars_are_written_by_step(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        for step, value in enumerate((2.5, torch.tensor([-1.0]), np.float64(0.0), 7)):
            writer.add_scalar("Loss/train", value, step)
        writer.add_scalar("no step", torch.tensor(0.5, dtype=torch.bfloat16))
    found = [(step, value[1], value[2]) for step, value in events(tmp_path)]
    assert found[:4] == [(i, b"Loss/train", v) for i, v in enumerate((2.5, -1.0, 0.0, 7.0))]
    assert found[4] == (0, b"no step", 0.5)


def test_a_scalar_of_several_elements_is_refused(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises(AssertionError, match="should contain one element"):
            writer.add_scalar("x", torch.ones(2))
        with pytest.raises(NotImplementedError, match="numpy array or torch tensor are expected"):
            writer.add_scalar("x", [1.0])
        with pytest.raises(TypeError, match="expected a string"):
            writer.add_scalar(3, 1.0)  # type: ignore[arg-type]


def test_a_flush_is_seen_by_readers(tmp_path: Path) -> None:
    writer = SummaryWriter(tmp_path, max_queue=3)
    counts = []
    for step in range(4):
        writer.add_scalar("x", step, step)
        counts.append(len(records(tmp_path)))
    writer.flush()
    assert [*counts, len(records(tmp_path))] == [1, 1, 4, 4, 5]
    writer.close()
    writer.close()


def test_scalars_that_share_a_chart_have_folders_of_their_own(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalars("a/b", {"one": 1.0, "two": 2.0}, 5)
        writer.add_scalars("a/b", {"one": 3.0}, 6)
    assert [(s, v[1], v[2]) for s, v in events(tmp_path / "a_b_one")] == [
        (5, b"a/b", 1.0),
        (6, b"a/b", 3.0),
    ]
    assert len(events(tmp_path / "a_b_two")) == 1


def test_a_histogram_counts_what_numpy_counts(tmp_path: Path) -> None:
    values = torch.tensor([0.5, 1.5, 1.6, 3.5, -2.0])
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("w", values, 1, bins=[-3, -1, 0, 1, 2, 3, 4, 5])
        host = values.numpy(force=True)
        writer.add_histogram("w", host, 2, bins=[-3, -1, 0, 1, 2, 3, 4, 5], max_bins=4)
        writer.add_histogram("w", values, 3)
        with pytest.raises(ValueError, match="no element"):
            writer.add_histogram("w", torch.ones(0))
        with pytest.raises(ValueError, match="see the document"):
            writer.add_histogram_raw("w", 0, 1, 2, 3, 4, [1.0], [])
    found = [fields(value[5]) for _, value in events(tmp_path)]
    numbers = [{k: np.frombuffer(h[k]).tolist() for k in (6, 7)} for h in found]
    assert numbers[0] == {6: [-3, -1, 0, 1, 2, 3, 4], 7: [0, 1, 0, 1, 2, 0, 1]}
    assert [h[3] for h in found] == [5.0] * 3
    assert sum(numbers[1][7]) == sum(numbers[2][7]) == 5
    assert (found[0][1], found[0][2], found[0][4]) == (-2.0, 3.5, pytest.approx(5.1))


def test_text_is_a_tensor_of_one_string(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_text("notes", "größer", 2)
    ((step, value),) = events(tmp_path)
    tensor = fields(value[8])
    assert (step, value[1], tensor[1], tensor[8].decode()) == (
        2,
        b"notes/text_summary",
        7,
        "größer",
    )


def test_a_closed_writer_goes_on_in_a_new_file(tmp_path: Path) -> None:
    writer = SummaryWriter(tmp_path, purge_step=7, filename_suffix=".x")
    writer.close()
    (first,) = tmp_path.iterdir()
    assert first.name.endswith(".x")
    assert [fields(event).get(2, 0) for event in records(tmp_path)] == [0, 7, 7]
    writer.add_scalar("x", 1.0)
    writer.close()
    assert len(list(tmp_path.iterdir())) == 2
    file = FileWriter(tmp_path / "own")
    file.close()
    file.reopen()
    file.close()
    assert len(list((tmp_path / "own").iterdir())) == 2


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("a", 0.25, 3)
        writer.add_scalar("b", 1.5, 4, walltime=12.5, new_style=True)
        writer.add_histogram("h", torch.arange(10.0), 5)
        writer.add_text("t", "words", 6)
    read = accumulator.EventAccumulator(str(tmp_path))
    read.Reload()
    assert [(e.step, e.value) for e in read.Scalars("a")] == [(3, 0.25)]
    (event,) = read.Tensors("b")
    assert (event.step, event.wall_time, list(event.tensor_proto.float_val)) == (4, 12.5, [1.5])
    assert read.Histograms("h")[0].histogram_value.num == 10
    assert read.Tensors("t/text_summary")[0].tensor_proto.string_val == [b"words"]


def test_the_bytes_are_those_of_pytorchs_writer(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    theirs = pytest.importorskip("torch.utils.tensorboard")
    real = pytest.importorskip("torch")
    for name, writer_of, library in (
        ("ours", SummaryWriter, torch),
        ("theirs", theirs.SummaryWriter, real),
    ):
        with writer_of(str(tmp_path / name)) as writer:
            for step in (0, 1, 300, -1):
                writer.add_scalar("a/b", library.tensor(0.1 * step), step, walltime=1.5)
            writer.add_scalar("c", 1.0, 2, walltime=0.0, new_style=True, double_precision=True)
            writer.add_scalar("c", 0.0, 2, walltime=0.0, new_style=True)
            for bins in ("tensorflow", "auto", 5):
                values = library.tensor([0.0, 0.5, 3.0, -1.0, 1e-13])
                writer.add_histogram("h", values, 4, bins=bins, walltime=2.0)
            writer.add_histogram("h", values, 4, walltime=2.0, max_bins=50)
            writer.add_text("t", "größer", 5, walltime=3.0)
    ours, others = records(tmp_path / "ours"), records(tmp_path / "theirs")
    assert ours[1:] == others[1:]
