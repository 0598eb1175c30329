"""`python -m lazytensor`: what enters is a command line, what leaves its exit code; it knows
nothing else.
"""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
