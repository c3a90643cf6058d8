"""`python -m webui`: the command line."""

import sys

if __name__ == "__main__":
    try:
        from webui.cli import main
    except ModuleNotFoundError as fault:
        sys.exit(f"The package {fault.name} is not installed. Run ./install.sh.")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(main())
