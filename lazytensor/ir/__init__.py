"""Floor 1: the op record, the node, the graph, scalar instructions, the builder, the printer and
the verifier.
"""
