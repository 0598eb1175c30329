"""Imports without the collector of garbage, which would go through all that they make again and
again, to find that it stays.

What enters: nothing. What leaves: a context, at whose end what there is counts as old. It must not
know what is imported.
"""

import gc

__all__ = ["Uncollected"]


class Uncollected:
    """Nothing is collected within. At the end all objects are the oldest generation's, which is
    looked through when a good part of it is new; where someone has frozen objects, they stay so.
    """

    def __enter__(self) -> None:
        self._collects = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if not self._collects:
            return
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        gc.enable()
