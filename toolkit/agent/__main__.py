"""``python -m toolkit.agent``: serve on stdin and stdout until end-of-file."""

from toolkit.agent.serve import main

if __name__ == "__main__":
    main()
