"""What loaders and their workers share."""
