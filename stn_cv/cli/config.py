"""The options of a run in a TOML file: read by --config, written by --save-config."""

import functools
import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from .. import __version__

__all__ = ["config_options"]

OURS = ("config", "save_config", "help")


def config_options(run: Callable[..., int]) -> Callable[..., int]:
    """Give a command the two options; the file is written before the work begins."""

    @functools.wraps(run)
    def saved(**given: Any) -> int:
        given.pop("config")
        target = given.pop("save_config")
        if target is not None:
            from ..atomic import write_bytes

            write_bytes(target, _text(click.get_current_context()))
        return run(**given)

    for option in (
        click.option(
            "--save-config",
            type=click.Path(dir_okay=False),
            help="TOML file for all options of this run, which --config repeats.",
        ),
        click.option(
            "--config",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            is_eager=True,
            callback=_read,
            help="TOML file of options, named as here; what the command line says goes before.",
        ),
    ):
        saved = option(saved)
    return saved


def _read(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """Make what a file says the defaults of a command."""
    if path is None:
        return None
    from ..errors import one_of

    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{str(path)!r} is no TOML file: {error}.") from error
    names = {str(own.name): own for own in _own(context)}
    for name, value in said.items():
        key = name.replace("-", "_")
        if key not in names:
            raise click.BadParameter(
                f"{str(path)!r} names {name!r}; wanted options of {context.info_name!r}: "
                f"{one_of(key, list(names))}."
            )
        if isinstance(value, dict) or isinstance(value, list) != _many(names[key]):
            wanted = "a list" if _many(names[key]) else "one value"
            raise click.BadParameter(f"{str(path)!r}: {name} is {value!r}; wanted {wanted}.")
    context.default_map = {name.replace("-", "_"): value for name, value in said.items()}
    return path


def _own(context: click.Context) -> list[click.Parameter]:
    return [own for own in context.command.params if own.name not in OURS]


def _many(parameter: click.Parameter) -> bool:
    return parameter.nargs == -1 or parameter.multiple or parameter.nargs > 1


def _text(context: click.Context) -> bytes:
    """All options of a run; what nobody asked for as a comment, since it may come to change."""
    text = "\n".join(_lines(context)) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        name = text[error.start - 40 : error.end].rpartition('"')[2]
        raise click.UsageError(
            f"--save-config: {name!r} is no Unicode text, which a TOML file is; rename it."
        ) from error


def _lines(context: click.Context) -> Iterator[str]:
    yield f"# Options of stn-cv {context.info_name}, version {__version__}."
    given: list[click.Parameter] = []
    others: list[click.Parameter] = []
    for own in _own(context):
        asked = context.get_parameter_source(str(own.name)) is not ParameterSource.DEFAULT
        (given if asked else others).append(own)
    yield from (_line(own, context) for own in given)
    yield "# By default:"
    for own in others:
        if context.params[str(own.name)] is not None:
            yield f"# {_line(own, context)}"


def _line(own: click.Parameter, context: click.Context) -> str:
    value = _written(own, context.params[str(own.name)])
    return f"{own.name} = {json.dumps(value, ensure_ascii=False)}"


def _written(own: click.Parameter, value: Any) -> Any:
    """A value as the command line takes it."""
    if _many(own):
        return [_written_one(own, one) for one in value]
    return _written_one(own, value)


def _written_one(own: click.Parameter, value: Any) -> Any:
    if isinstance(value, tuple):  # a size or a shard
        return ("/" if own.name == "shard" else "x").join(map(str, value))
    return str(value) if isinstance(value, Path) else value
