"""The functions of nn.functional, a module for each family; it re-exports them."""
