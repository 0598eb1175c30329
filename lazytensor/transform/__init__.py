"""Floor 3: graph to graph: simplify, grad, jvp, vmap. Siblings, which know rows by their columns
only.
"""
