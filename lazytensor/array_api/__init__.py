"""The array API face: the standard's namespace, one file per chapter, over `_rules` and `array`."""
