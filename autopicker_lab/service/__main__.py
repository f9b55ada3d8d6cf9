"""python -m autopicker_lab.service [--host H] [--port P] [--workers N]"""

import sys

from autopicker_lab.cli import main

if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
