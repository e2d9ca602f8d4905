"""``python -m shared.cli``: the command line without an installed entry point."""

from shared.cli.main import main

if __name__ == "__main__":
    main()
