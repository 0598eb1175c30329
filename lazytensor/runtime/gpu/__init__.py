"""GPUs: arrays in their memory, and steps of plans run on them."""
