"""stub"""

import click


@click.command()
def info() -> None:
    """Stub."""
