"""What is beyond the standard: random numbers, NumPy-like extras, transforms, inspection."""
