"""What is known to differ from PyTorch yet, by name: expected to fail until it is mended."""

import pytest

OPEN = {
    "test_values[torch.as_strided_scatter": "the gradient at elements that were overwritten",
    "test_values[x.unsafe_": "names of derivatives",
    "test_values[z.mT-True]": "a warning's place",
    "test_values[x.resize(3, 2)-True]": "the derivative of resize",
    "test_values[x.real-True]": "the name of the derivative",
    "test_a_program_learns_the_same[sorting.py": "rounding in attention adds up to 1e-3",
    "test_errors[c[..., 0].view(torch.float64)]": "which of two errors comes first",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the open cases."""
    for item in items:
        for name, reason in OPEN.items():
            if item.name.startswith(name) and item.path.parent.name == "torch":
                item.add_marker(pytest.mark.xfail(reason=f"open: {reason}", strict=False))
