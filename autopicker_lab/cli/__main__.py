"""python -m autopicker_lab.cli: the command `autopicker`."""

from autopicker_lab.cli.app import main

if __name__ == "__main__":
    main()
