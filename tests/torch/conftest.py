"""What is known to differ from PyTorch yet, by name: expected to fail until it is mended."""

import pytest

OPEN = {
    "test_a_program_learns_the_same[sorting.py": "rounding in attention adds up to 1e-3",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the open cases."""
    for item in items:
        for name, reason in OPEN.items():
            if item.name.startswith(name) and item.path.parent.name == "torch":
                item.add_marker(pytest.mark.xfail(reason=f"open: {reason}", strict=False))
