"""stub"""

import click


@click.command()
def predict() -> None:
    """Stub."""
