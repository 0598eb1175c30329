"""Floor 5: targets: from a kernel to something that runs."""
