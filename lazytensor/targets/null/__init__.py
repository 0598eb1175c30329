"""The null target: plans and counts, runs nothing."""
