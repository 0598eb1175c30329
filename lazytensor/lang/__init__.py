"""Floor 3: what the faces share, node to node.

Promotion, casts, broadcasting, axis defaults, indexing, compositions of rows.
"""
