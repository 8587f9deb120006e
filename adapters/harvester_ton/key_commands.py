"""`harvester key`: the merchant's KEY. The key itself is printed to nobody who has not asked for it."""

import json
import os
import secrets
from pathlib import Path
from typing import Final

import click
from nacl.signing import SigningKey

from harvester.chain import CommandContext
from harvester_ton.command_line import Mistake, OneLineMistakes
from harvester_ton.merchant_key import adnl_address, derive_seed, site_name
from harvester_ton.site_settings import KeySettings

KEY_BYTES: Final = 32

json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.command("generate", cls=OneLineMistakes)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--reveal", is_flag=True, help="Print the key.")
@json_option
def generate_command(file: Path | None, reveal: bool, as_json: bool) -> None:
    """Make a new KEY, and print the address of the site that it makes.

    The key is written to FILE, which must not exist yet and which only its owner can read: name it as KEY_FILE, or put
    it into the folder of credentials. A new key is a new site: invoices made before name the old one.
    """
    if file is None and not reveal:
        raise Mistake("give a FILE to write the key to, or --reveal to print it")
    key = secrets.token_bytes(KEY_BYTES)
    if file is not None:
        _write_new(file, key.hex() + "\n")
    _print(key, reveal=reveal, as_json=as_json)


@click.command("show", cls=OneLineMistakes)
@click.option("--reveal", is_flag=True, help="Print the key, too.")
@json_option
@click.pass_obj
def show_command(context: CommandContext, reveal: bool, as_json: bool) -> None:
    """Print the address of the site, and the public key that purchase metadata is sealed with, which KEY makes."""
    settings = KeySettings.load(context.read_settings({"KEY"}))
    _print(settings.key.get_secret_value(), reveal=reveal, as_json=as_json)


def _print(key: bytes, *, reveal: bool, as_json: bool) -> None:
    address = adnl_address(key)
    facts = {
        "site": site_name(address),
        "adnl_address": address.hex(),
        "encryption_key": bytes(SigningKey(derive_seed(key, "meta")).verify_key).hex(),
    } | ({"key": key.hex()} if reveal else {})
    if as_json:
        click.echo(json.dumps(facts))
    else:
        for name, value in facts.items():
            click.echo(f"{name:<15} {value}")


def _write_new(path: Path, text: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except FileExistsError:
        raise Mistake("FILE exists already: a key that is in use must not be lost") from None
    except (OSError, ValueError) as error:
        raise Mistake(f"FILE cannot be written: {getattr(error, 'strerror', None) or error}") from None
