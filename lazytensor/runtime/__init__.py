"""Floor 6, the only stateful floor: buffers, caches, counters, threads, materialising."""
