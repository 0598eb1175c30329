"""Floor 4: from a graph to a plan: fuse, schedule, memory, a pipeline of named passes."""
