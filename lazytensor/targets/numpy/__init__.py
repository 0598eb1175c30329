"""The reference target: generated Python over ufuncs with `out`, in cache-sized blocks."""
