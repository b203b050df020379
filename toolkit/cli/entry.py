"""Where ``dockyard`` starts, kept apart from click so that a start can begin before it loads."""


def main() -> None:
    """The console script."""
    from toolkit.cli.main import run  # noqa: PLC0415 - click costs 27 ms; entry stays bare

    run()


if __name__ == "__main__":
    main()
