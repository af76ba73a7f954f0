"""stub"""

import click


@click.command()
def fit() -> None:
    """Stub."""
