"""Floor 3: what the faces share: promotion, casts, broadcasting, axis defaults, compositions of rows. Node to node."""
